// An extension of JupyterLab (4, or 3) that needs nothing of it: no build, no shared modules. It asks the session's own
// origin whether a deadline is near, and shows that. It cannot act on anything: the button is a link to Berth's own page.
(() => {
  'use strict';

  const path = '/_berth/notice';
  const anHour = 3600;
  let box;
  let until;

  const element = (tag, text, style) => {
    const made = document.createElement(tag);
    made.textContent = text;
    Object.assign(made.style, style);
    return made;
  };

  const left = () => {
    const seconds = Math.max(0, Math.round((until - Date.now()) / 1000));
    return seconds < 60 ? `${seconds} s` : seconds < 600 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${Math.floor(seconds / 60)} min`;
  };

  const hide = () => {
    box?.remove();
    box = undefined;
  };

  const show = (notice) => {
    hide();
    // The server's clock counts, not this computer's.
    until = Date.now() + notice.seconds * 1000;
    box = element('div', '', {
      position: 'fixed', left: '50%', bottom: '32px', transform: 'translateX(-50%)', zIndex: '20000', boxSizing: 'border-box',
      width: 'max-content', maxWidth: 'calc(100vw - 24px)', display: 'flex', flexWrap: 'wrap', gap: '8px 16px', alignItems: 'center', padding: '10px 14px',
      borderRadius: '4px', boxShadow: '0 2px 12px rgba(0,0,0,.35)', font: '14px/1.4 system-ui, sans-serif',
      background: 'var(--jp-layout-color1, #fff)', color: 'var(--jp-ui-font-color1, #222)', borderLeft: '4px solid var(--jp-warn-color1, #f57c00)',
    });
    box.className = 'berth-notice';
    box.setAttribute('role', 'status');
    const time = element('strong', left());
    const text = element('span', '', { flex: '1 1 14rem' });
    text.append('In ', time, `: ${notice.warning}`);
    const keep = element('a', 'Keep it …', {
      padding: '4px 12px', borderRadius: '4px', textDecoration: 'none', background: 'var(--jp-brand-color1, #1976d2)', color: '#fff',
    });
    Object.assign(keep, { href: notice.url, target: '_blank', rel: 'noopener' });
    const close = element('button', '×', { border: '0', background: 'none', color: 'inherit', font: 'inherit', cursor: 'pointer' });
    close.setAttribute('aria-label', 'Close');
    close.onclick = hide;
    box.append(text, keep, close);
    document.body.append(box);
    const mine = box;
    const tick = setInterval(() => {
      if (box !== mine) clearInterval(tick);
      else time.textContent = left();
    }, 1000);
  };

  let shown;
  const look = async () => {
    let again = 60;
    try {
      const answer = await fetch(path, { cache: 'no-store' });
      if (answer.ok) {
        const notice = await answer.json();
        again = Math.min(notice.again, anHour);
        // Who closed it has read it; another deadline is another notice.
        const key = notice.warning && `${notice.at} ${notice.warning}`;
        if (key !== shown) {
          if (key) show(notice);
          else hide();
          shown = key;
        }
      }
    } catch {
      // The server is away, or the session is: JupyterLab says so itself.
    }
    setTimeout(look, again * 1000);
  };

  const plugin = { id: 'berth-notice:notice', autoStart: true, activate: () => void look() };
  (window._JUPYTERLAB ??= {})['berth-notice'] = {
    init: () => {},
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
})();
