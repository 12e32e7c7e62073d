// Sends the one form of the page. Not `form.submit`: a field named "submit" would stand in its place.
HTMLFormElement.prototype.submit.call(document.querySelector('form'));
