// The live log of a session: read as a stream, coloured as its terminal codes say, followed to its end.
(() => {
  const MOST_LINES = 10000;
  const box = document.getElementById('log');
  const state = document.getElementById('log-state');
  const toEnd = document.getElementById('log-follow');
  const wrap = document.getElementById('log-wrap');
  if (!box) return;

  let line = null;       // The line that is still being written to.
  let text = '';         // Its text so far, with codes.
  let style = [];        // Classes that hold at the start of the line.
  let following = true;
  let abort = null;

  // Terminal codes: colours and weights become classes, everything else is left out. A carriage return without a
  // line feed means that the line is written anew, as progress bars do.
  const CODE = /\x1b\[([0-9;:?]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/g;
  const WEIGHTS = { 1: 'b', 2: 'd', 3: 'i', 4: 'u' };

  function apply(classes, codes) {
    const numbers = codes === '' ? [0] : codes.split(/[;:]/).map(Number);
    for (let i = 0; i < numbers.length; i++) {
      const n = numbers[i];
      if (n === 0) classes = [];
      else if (WEIGHTS[n]) classes = [...classes, WEIGHTS[n]];
      else if (n === 22) classes = classes.filter(c => c !== 'b' && c !== 'd');
      else if (n === 23 || n === 24) classes = classes.filter(c => c !== (n === 23 ? 'i' : 'u'));
      else if (n === 38 || n === 48) i += numbers[i + 1] === 5 ? 2 : 4;
      else if (n === 39 || (n >= 30 && n <= 37) || (n >= 90 && n <= 97)) {
        classes = classes.filter(c => !/^c\d$/.test(c));
        if (n !== 39) classes = [...classes, `c${n % 10}`];
      }
    }
    return classes;
  }

  function paint(element, raw, classes) {
    const visible = raw.slice(raw.replace(/\r+$/, '').lastIndexOf('\r') + 1);
    const parts = [];
    const put = part => {
      if (!part) return;
      if (classes.length === 0) { parts.push(part); return; }
      const span = document.createElement('span');
      span.className = classes.join(' ');
      span.textContent = part;
      parts.push(span);
    };
    let at = 0;
    for (const match of visible.matchAll(CODE)) {
      put(visible.slice(at, match.index));
      at = match.index + match[0].length;
      if (match[2] === 'm') classes = apply(classes, match[1]);
    }
    put(visible.slice(at));
    element.replaceChildren(...parts);
    return classes;
  }

  function write(chunk) {
    const lines = chunk.split('\n');
    const fresh = document.createDocumentFragment();
    lines.forEach((part, i) => {
      if (!line) {
        line = document.createElement('div');
        line.className = 'l';
        text = '';
        fresh.append(line);
      }
      text += part;
      const after = paint(line, text, style);
      if (i < lines.length - 1) { style = after; line = null; }
    });
    box.append(fresh);
    while (box.childElementCount > MOST_LINES) box.firstElementChild.remove();
    if (following) box.scrollTop = box.scrollHeight;
  }

  async function read() {
    abort = new AbortController();
    box.replaceChildren();
    line = null; text = ''; style = [];
    state.textContent = '';
    try {
      const answer = await fetch(`${box.dataset.log}?follow=true&max_lines=${MOST_LINES}`, { signal: abort.signal });
      if (!answer.ok) { state.textContent = answer.status === 404 ? 'There is no log yet.' : 'The log cannot be read now.'; return false; }
      state.textContent = 'live';
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        write(value);
      }
      state.textContent = box.childElementCount ? 'ended' : 'Nothing has been written yet.';
      return true;
    } catch (e) {
      if (e.name === 'AbortError') return true;
      state.textContent = 'The connection was cut.';
      return false;
    }
  }

  // Hidden pages hold no connection; a page that comes back, and a session that starts anew, reads again from the start.
  let reading = null;
  let ended = false;
  function begin() {
    if (reading || document.visibilityState !== 'visible') return;
    reading = read().finally(() => { reading = null; ended = true; });
  }
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') { abort?.abort(); ended = true; } else if (ended) begin();
  });
  document.body.addEventListener('berth:session', e => {
    if (!reading && e.detail.ids.some(id => id === null || id === box.dataset.session)) begin();
  });

  box.addEventListener('scroll', () => {
    following = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    toEnd.hidden = following;
  });
  toEnd.addEventListener('click', () => { box.scrollTop = box.scrollHeight; });

  const wrapped = on => { box.classList.toggle('wrap', on); wrap.setAttribute('aria-pressed', on); };
  try { wrapped(localStorage.getItem('berth-log-wrap') === 'on'); } catch { wrapped(false); }
  wrap.addEventListener('click', () => {
    const on = !box.classList.contains('wrap');
    wrapped(on);
    try { localStorage.setItem('berth-log-wrap', on ? 'on' : 'off'); } catch { /* It holds for this page only. */ }
  });

  begin();
})();
