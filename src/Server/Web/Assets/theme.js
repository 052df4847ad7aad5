// Runs before the first paint, so that a page never flashes in the wrong colours.
(() => {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const chosen = () => {
    try { return localStorage.getItem('berth-theme'); } catch { return null; }
  };
  const apply = () => root.setAttribute('data-bs-theme', chosen() ?? (system.matches ? 'dark' : 'light'));
  apply();
  system.addEventListener('change', apply);
  addEventListener('storage', e => e.key === 'berth-theme' && apply());
  addEventListener('click', e => {
    if (!e.target.closest?.('[data-theme-toggle]')) return;
    const next = root.getAttribute('data-bs-theme') === 'dark' ? 'light' : 'dark';
    // Back to what the system says means: follow the system again.
    try {
      if ((next === 'dark') === system.matches) localStorage.removeItem('berth-theme');
      else localStorage.setItem('berth-theme', next);
    } catch { /* Storage is blocked: the choice holds for this page only. */ }
    root.setAttribute('data-bs-theme', next);
  });
})();
