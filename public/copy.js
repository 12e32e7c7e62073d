// Shows the buttons that copy what stands beside them; without script or clipboard they stay away.
for (const button of document.querySelectorAll('button[data-copy]')) {
  const source = document.getElementById(button.dataset.copy);
  const status = button.nextElementSibling;
  const { done, failed } = button.dataset;
  const idle = button.textContent;
  let timer;

  /** A list by its lines; a key without the gaps that are there for reading. */
  const text = () =>
    source.matches('ul')
      ? [...source.children].map((item) => item.textContent.trim()).join('\n')
      : source.textContent.replace(/\s/g, '');

  const say = (word) => {
    clearTimeout(timer);
    button.textContent = word;
    status.textContent = word;
    timer = setTimeout(() => {
      button.textContent = idle;
      status.textContent = '';
    }, 4000);
  };

  const copy = () => navigator.clipboard.writeText(text()).then(() => say(done));
  const select = () => {
    getSelection().selectAllChildren(source);
    say(failed);
  };

  button.hidden = !navigator.clipboard;
  button.addEventListener('click', () => copy().catch(select));
}
