/** Sentences for the reader, read aloud as they come. */

import type { Shared } from './App';

/** Draw the notices. */
export function Notices({ page }: Shared) {
  const { notices } = page;
  return (
    <div class="notices" aria-live="polite" data-testid="notices">
      {notices.all.map(({ id, text, tone, actions }) => (
        <div key={id} class={`notice ${tone}`} role={tone === 'problem' ? 'alert' : undefined}>
          <p>{text}</p>
          {actions.map(({ label, run }) => (
            <button
              key={label}
              type="button"
              class="small"
              onClick={() => {
                notices.remove(id);
                run();
              }}
            >
              {label}
            </button>
          ))}
          {tone === 'info' ? null : (
            <button type="button" class="small" aria-label="Close" onClick={() => notices.remove(id)}>
              ×
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
