// What makes pages pleasant once they are there: clocks that tick, menus that close, toasts that go, dialogs.
(() => {
  const $$ = (selector, root = document) => root.querySelectorAll(selector);

  // What a person opened stays open when its part of the page is replaced.
  if (window.Idiomorph) {
    const isOpenState = (name, node) => name === 'open' && (node.nodeName === 'DETAILS' || node.nodeName === 'DIALOG');
    Idiomorph.defaults.ignoreActiveValue = true;
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !isOpenState(name, node);
  }

  // Times: <time datetime="…" data-clock="since|until|ago|at">; the server rendered the text for its own present.
  const UNITS = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  function span(seconds) {
    const total = Math.max(0, Math.round(seconds));
    if (total < 60) return `${total} s`;
    const at = UNITS.findIndex(([, size]) => total >= size);
    const [unit, size] = UNITS[at];
    const [small, smallSize] = UNITS[at + 1];
    const rest = Math.floor((total % size) / smallSize);
    return rest && !(at === 2 && total >= 600) ? `${Math.floor(total / size)} ${unit} ${rest} ${small}` : `${Math.floor(total / size)} ${unit}`;
  }
  const dayAndTime = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
  const timeOnly = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
  const TEXTS = {
    since: (then, now) => span((now - then) / 1000),
    until: (then, now) => span((then - now) / 1000),
    ago: (then, now) => now - then < 5000 ? 'just now' : `${span((now - then) / 1000)} ago`,
    at: (then, now) => (new Date(now).toDateString() === new Date(then).toDateString() ? timeOnly : dayAndTime).format(then),
  };
  function tick() {
    const now = Date.now();
    for (const time of $$('time[data-clock]')) {
      const then = Date.parse(time.dateTime);
      const text = TEXTS[time.dataset.clock]?.(then, now);
      if (text && time.textContent !== text) time.textContent = text;
      if (!time.title) time.title = full.format(then);
    }
  }
  setInterval(() => document.visibilityState === 'visible' && tick(), 1000);
  document.addEventListener('htmx:afterSwap', tick);
  document.addEventListener('visibilitychange', tick);

  // Toasts: rendered by the server after a redirect, or sent in a header to a request made by htmx.
  function expire(toast) {
    const go = () => toast.remove();
    toast.querySelector('[data-dismiss]')?.addEventListener('click', go);
    if (toast.dataset.kind !== 'danger') setTimeout(go, 6000);
  }
  addEventListener('berth:toast', e => {
    const { kind, text } = e.detail;
    const toast = document.querySelector('#toast-template')?.content.firstElementChild.cloneNode(true);
    if (!toast) return;
    toast.dataset.kind = kind;
    toast.querySelector('[data-text]').textContent = text;
    document.querySelector('#toasts').append(toast);
    expire(toast);
  });
  function say(kind, text) {
    document.body.dispatchEvent(new CustomEvent('berth:toast', { bubbles: true, detail: { kind, text } }));
  }
  // A refusal comes as the API's error body. Where the sign-in has ended, the whole page goes to the sign-in.
  document.addEventListener('htmx:responseError', e => {
    const { xhr, requestConfig } = e.detail;
    if (xhr.status === 401) { location.reload(); return; }
    if (requestConfig.verb === 'get' && !e.target.closest('a, button')) return;
    let text = `The server answered ${xhr.status}.`;
    try { text = JSON.parse(xhr.responseText).error.message; } catch { /* Not ours: the status has to do. */ }
    say('danger', text);
  });
  document.addEventListener('htmx:sendError', e => {
    if (e.detail.requestConfig.verb === 'post') say('danger', 'The server cannot be reached. Try again when it is back.');
  });

  // Menus are <details data-menu>: another click or Escape closes them.
  addEventListener('click', e => {
    for (const menu of $$('details[data-menu][open]'))
      if (!menu.contains(e.target) || e.target.closest('[data-menu-item]')) menu.open = false;
  });
  addEventListener('keydown', e => {
    if (e.key !== 'Escape') return;
    for (const menu of $$('details[data-menu][open]')) { menu.open = false; menu.querySelector('summary').focus(); }
  });

  // A dialog comes as a fragment into #dialog and opens at once; where that fails its link leads to a page instead.
  document.addEventListener('htmx:afterSwap', e => {
    if (e.target.id !== 'dialog') return;
    const dialog = e.target.querySelector('dialog');
    if (!dialog) return;
    dialog.showModal();
    dialog.addEventListener('click', x => (x.target === dialog || x.target.closest('[data-close]')) && (x.preventDefault(), dialog.close()));
    dialog.addEventListener('close', () => e.target.replaceChildren());
  });
  // Forms: rows that can be added and removed, parts that depend on a choice, and one submit at a time.
  addEventListener('click', e => {
    const add = e.target.closest?.('[data-add-row]');
    if (add) {
      const row = document.getElementById(add.dataset.addRow).content.cloneNode(true);
      const rows = document.querySelector(add.dataset.rows);
      rows.append(row);
      rows.lastElementChild.querySelector('input,select')?.focus();
    }
    e.target.closest?.('[data-remove-row]')?.closest('[data-row]').remove();
    const copy = e.target.closest?.('[data-copy]');
    if (copy) {
      navigator.clipboard?.writeText(document.querySelector(copy.dataset.copy).textContent.trim()).then(() => {
        copy.dataset.copied = '';
        setTimeout(() => delete copy.dataset.copied, 1500);
      });
    }
  });
  function showDependents() {
    for (const part of $$('[data-when]')) {
      const [name, ...values] = part.dataset.when.split(/[=|]/);
      const input = document.querySelector(`[name="${name}"]:checked, select[name="${name}"]`);
      if (!input) {
        if (document.querySelector(`[type=checkbox][name="${name}"]`)) part.hidden = true; // a switch that is off
        continue;
      }
      part.hidden = !values.includes(input.value);
    }
    const option = document.querySelector('select[data-amounts]')?.selectedOptions[0];
    if (option) {
      for (const input of $$('[data-amount]')) {
        input.placeholder = option.dataset[input.dataset.amount] ?? '';
        if (option.dataset[`${input.dataset.amount}Max`]) input.max = option.dataset[`${input.dataset.amount}Max`];
      }
    }
  }
  addEventListener('change', showDependents);
  addEventListener('submit', e => {
    if (e.target.dataset.once === undefined) return;
    if (e.target.dataset.sent !== undefined) { e.preventDefault(); return; }
    e.target.dataset.sent = '';
    e.target.querySelector('[type=submit]')?.classList.add('btn-loading');
  });
  // A form that leads to another origin by a redirect: the page's policy holds forms to its own, and links not.
  addEventListener('submit', e => {
    if (e.target.dataset.link === undefined) return;
    e.preventDefault();
    open(`${e.target.action}?${new URLSearchParams(new FormData(e.target))}`, '_blank', 'noopener');
    e.target.reset();
  });
  addEventListener('pageshow', () => { for (const form of $$('form[data-sent]')) { delete form.dataset.sent; form.querySelector('[type=submit]')?.classList.remove('btn-loading'); } });
  addEventListener('DOMContentLoaded', () => {
    showDependents();
    tick();
    for (const toast of $$('#toasts [data-kind]')) expire(toast);
    document.querySelector('.is-invalid')?.focus();
  });
})();
