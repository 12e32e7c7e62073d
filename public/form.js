// A form goes out once, its button says what happens, and an error gets the focus.
{
  const submitButtons = () => [...document.querySelectorAll('button:not([type="button"])')];

  const announcer = document.createElement('p');
  announcer.className = 'visually-hidden';
  announcer.setAttribute('aria-live', 'polite');
  document.querySelector('main').append(announcer);

  const hold = (form, pressed) => {
    // Its own ones, wherever they stand.
    for (const button of submitButtons()) button.disabled ||= button.form === form;
    if (!pressed?.dataset.busy) return;
    pressed.dataset.idle = pressed.textContent;
    pressed.textContent = pressed.dataset.busy;
    announcer.textContent = pressed.dataset.busy;
  };

  const release = () => {
    announcer.textContent = '';
    for (const form of document.forms) delete form.dataset.sent;
    for (const button of submitButtons()) {
      button.disabled = false;
      if (button.dataset.idle) button.textContent = button.dataset.idle;
    }
  };

  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = 'yes';
    // A disabled button is left out of the submission, which is built right after this event.
    setTimeout(() => hold(form, event.submitter));
  });

  // Going back shows the page as it was left, or, in some browsers, its buttons still disabled.
  addEventListener('pageshow', release);

  document.querySelector('.alert-error[tabindex]')?.focus();
}
