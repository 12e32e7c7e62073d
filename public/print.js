// Shows the button that prints the page; the stylesheet says what goes on paper.
for (const button of document.querySelectorAll('button[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}
