// Shows the buttons that make a password readable; without script they stay away.
for (const button of document.querySelectorAll('button[data-peek]')) {
  const input = document.getElementById(button.getAttribute('aria-controls'));
  const [toShow, toHide] = button.children;

  const show = (readable) => {
    input.type = readable ? 'text' : 'password';
    toShow.hidden = readable;
    toHide.hidden = !readable;
  };

  button.hidden = false;
  button.addEventListener('click', () => show(input.type === 'password'));
  // Browsers keep what a text field held, and offer to save passwords from password fields only.
  input.form?.addEventListener('submit', () => show(false));
}
