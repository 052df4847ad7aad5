// A terminal of a session. Frames as in Contracts/Services/ProcessFrames: kind, length of the payload (4 bytes), payload.
(() => {
  const box = document.getElementById('terminal');
  if (!box) return;
  const INPUT = 0, RESIZE = 2, OUTPUT = 16, TAKEN = 18, EXIT = 19, NAME = 20, CLEAR = 21, TAKEN_OVER = 22;
  const MOST_IN_A_FRAME = 64 * 1024, WINDOW = 1024 * 1024;
  const state = document.getElementById('terminal-state');
  const again = document.getElementById('terminal-again');
  const dark = () => document.documentElement.getAttribute('data-bs-theme') === 'dark';
  const theme = () => dark()
    ? { background: '#10181f', foreground: '#d7dee4', cursor: '#d7dee4', selectionBackground: '#3b5566' }
    : { background: '#ffffff', foreground: '#1d2733', cursor: '#1d2733', selectionBackground: '#b9d6de',
        yellow: '#8a6100', brightYellow: '#8a6100', green: '#1a7f37', brightGreen: '#1a7f37', cyan: '#0b7285', brightCyan: '#0b7285',
        white: '#59636e', brightWhite: '#1d2733', brightBlack: '#6e7781' };

  const terminal = new Terminal({
    theme: theme(), fontFamily: getComputedStyle(box).fontFamily, fontSize: innerWidth < 600 ? 12 : 14, scrollback: 10000, cursorBlink: true,
    minimumContrastRatio: 4.5,
  });
  const fit = new FitAddon.FitAddon();
  terminal.loadAddon(fit);
  terminal.open(box);
  fit.fit();
  terminal.focus();
  new MutationObserver(() => { terminal.options.theme = theme(); }).observe(document.documentElement, { attributeFilter: ['data-bs-theme'] });

  let socket = null, pending = new Uint8Array(0), room = WINDOW, waiting = [], delay = 0, over = false;

  function say(text, canGoOn = false) {
    state.textContent = text;
    again.hidden = !canGoOn;
  }

  function frame(kind, payload) {
    const bytes = new Uint8Array(5 + payload.length);
    bytes[0] = kind;
    new DataView(bytes.buffer).setUint32(1, payload.length);
    bytes.set(payload, 5);
    if (socket?.readyState === WebSocket.OPEN) socket.send(bytes);
  }

  function type(bytes) {
    for (let at = 0; at < bytes.length; at += MOST_IN_A_FRAME) waiting.push(bytes.subarray(at, at + MOST_IN_A_FRAME));
    while (waiting.length && waiting[0].length <= room) {
      room -= waiting[0].length;
      frame(INPUT, waiting.shift());
    }
  }

  function resize() {
    const size = new DataView(new ArrayBuffer(4));
    size.setUint16(0, terminal.rows);
    size.setUint16(2, terminal.cols);
    frame(RESIZE, new Uint8Array(size.buffer));
  }

  function hear(kind, payload) {
    const text = () => new TextDecoder().decode(payload);
    if (kind === OUTPUT) terminal.write(payload);
    else if (kind === CLEAR) terminal.reset();
    else if (kind === TAKEN) { room += new DataView(payload.buffer, payload.byteOffset).getUint32(0); type(new Uint8Array(0)); }
    else if (kind === NAME) {
      // So that the page, loaded anew, finds the same one.
      const url = new URL(location);
      url.search = '?name=' + encodeURIComponent(text());
      history.replaceState(null, '', url);
      document.getElementById('terminal-name').textContent = text();
    } else if (kind === TAKEN_OVER) { over = true; say('Opened elsewhere.', true); }
    else if (kind === EXIT) {
      const code = new DataView(payload.buffer, payload.byteOffset).getInt32(0);
      const reason = new TextDecoder().decode(payload.subarray(4));
      over = true;
      say(reason ? reason[0].toUpperCase() + reason.slice(1) : `Ended with code ${code}.`, true);
    }
  }

  function receive(data) {
    const bytes = new Uint8Array(pending.length + data.byteLength);
    bytes.set(pending);
    bytes.set(new Uint8Array(data), pending.length);
    let at = 0;
    while (bytes.length - at >= 5) {
      const length = new DataView(bytes.buffer, at).getUint32(1);
      if (bytes.length - at - 5 < length) break;
      hear(bytes[at], bytes.slice(at + 5, at + 5 + length));
      at += 5 + length;
    }
    pending = bytes.slice(at);
  }

  function connect() {
    const query = new URLSearchParams(location.search);
    query.set('rows', terminal.rows);
    query.set('columns', terminal.cols);
    const address = new URL(`${box.dataset.connect}?${query}`, location);
    address.protocol = address.protocol.replace('http', 'ws');
    [pending, room, waiting, over] = [new Uint8Array(0), WINDOW, [], false];
    socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => { delay = 0; say(''); };
    socket.onmessage = message => receive(message.data);
    socket.onclose = lost;
  }

  // A refused WebSocket does not say why; the same request without one does.
  async function lost() {
    if (over) return;
    say('Reconnecting …');
    delay = Math.min(delay * 2 || 250, 5000);
    await new Promise(next => setTimeout(next, delay));
    try {
      const answer = await fetch(`${box.dataset.connect}?${new URLSearchParams(location.search)}`, { redirect: 'manual', headers: { Accept: 'application/json' } });
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
        const problem = await answer.json().catch(() => null);
        say(problem?.error?.message ?? 'The terminal is not yours to open any more.', true);
        return;
      }
      if (answer.type === 'opaqueredirect') { location.reload(); return; }
    } catch { /* The server is away; the next attempt tells. */ }
    connect();
  }

  terminal.onData(text => type(new TextEncoder().encode(text)));
  terminal.onBinary(text => type(Uint8Array.from(text, c => c.charCodeAt(0))));
  terminal.onResize(resize);
  new ResizeObserver(() => fit.fit()).observe(box);
  // Ctrl+C interrupts; with Shift it copies, as terminals do. Pasting is the browser's.
  terminal.attachCustomKeyEventHandler(event => {
    if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey || event.code !== 'KeyC' || !terminal.hasSelection()) return true;
    event.preventDefault();
    document.execCommand('copy');
    return false;
  });
  const KEYS = { esc: '\x1b', tab: '\t', up: '\x1b[A', down: '\x1b[B', left: '\x1b[D', right: '\x1b[C', 'ctrl-c': '\x03', 'ctrl-d': '\x04' };
  document.getElementById('terminal-keys').addEventListener('click', event => {
    const key = event.target.closest('[data-key]')?.dataset.key;
    if (key) { type(new TextEncoder().encode(KEYS[key])); terminal.focus(); }
  });
  again.addEventListener('click', () => { connect(); terminal.focus(); });
  connect();
})();
