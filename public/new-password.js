// Judges a new password while it is typed, by the very rules of the server.
import { unmetRules } from './rules.js';
import { hintFor, STRENGTHS, strengthOf } from './strength.js';

/** Word lists and the person's name are with the server alone. */
const ASKED = ['listed', 'personal'];
const PAUSE = 300;
const BEFORE_SAYING = 1000;

const form = document.querySelector('form[data-new-password]');
const box = form?.querySelector('[data-requirements]');
if (box) watch(JSON.parse(box.dataset.requirements));

function watch({ settings, texts }) {
  const input = form.elements.new_password;
  const items = [...box.querySelectorAll('[data-rule]')];
  // Red is for what was tried: until then an unmet requirement is only not met yet.
  const unmetState = items.some(({ dataset }) => dataset.state === 'unmet') ? 'unmet' : 'open';
  const local = settings.rules.filter((rule) => !ASKED.includes(rule));
  const rules = { ...settings, rules: local };
  let asking = new AbortController();
  let timers = [];

  const judge = (answer) => {
    const password = input.value;
    const unmet = [...unmetRules(password, rules), ...(answer ?? [])];
    const isOpen = (rule) => password === '' || (ASKED.includes(rule) && !answer);
    const stateOf = (rule) => {
      if (isOpen(rule)) return 'open';
      return unmet.includes(rule) ? unmetState : 'met';
    };
    for (const item of items) mark(item, stateOf(item.dataset.rule), texts);
    // In the order of the list, whoever judged.
    const sorted = settings.rules.filter((rule) => unmet.includes(rule));
    rate(password, sorted, texts);
  };

  const ask = async () => {
    const body = new URLSearchParams({ csrf: form.elements.csrf.value, new_password: input.value });
    const { signal } = asking;
    const response = await fetch(form.dataset.check, { method: 'POST', body, signal });
    if (!response.ok) return;
    const { unmet } = await response.json();
    if (!signal.aborted) judge(unmet.filter((rule) => ASKED.includes(rule)));
  };

  const onInput = () => {
    asking.abort();
    asking = new AbortController();
    for (const timer of timers) clearTimeout(timer);
    judge();
    if (input.value === '') return;
    // Without an answer the server judges when the form is sent.
    timers = [
      setTimeout(() => ask().catch(() => undefined), PAUSE),
      setTimeout(() => say(items, texts), BEFORE_SAYING),
    ];
  };

  input.addEventListener('input', onInput);
  // A browser that goes back fills the field in without a word.
  if (input.value !== '') onInput();
}

function mark(item, state, { marks }) {
  if (item.dataset.state === state) return;
  item.dataset.state = state;
  item.querySelector('.rule-mark').textContent = marks[state];
}

function rate(password, unmet, { strengths, hints }) {
  const strength = strengthOf(password, unmet);
  const isEmpty = password === '';
  const { word } = strengths.find((each) => each.strength === strength);
  box.querySelector('#strength').value = isEmpty ? 0 : STRENGTHS.indexOf(strength) + 1;
  box.querySelector('#strength-word').textContent = isEmpty ? '' : word;
  box.querySelector('#strength-hint').textContent =
    hints[isEmpty ? 'start' : hintFor(strength, unmet)];
}

function say(items, { progress }) {
  const met = items.filter(({ dataset }) => dataset.state === 'met').length;
  const word = box.querySelector('#strength-word').textContent;
  const counted = progress.replace('{met}', met).replace('{all}', items.length);
  box.querySelector('[data-said]').textContent = `${word}. ${counted}`;
}
