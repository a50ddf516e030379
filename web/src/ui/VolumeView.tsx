/** The 3D view of the organ; its renderer is loaded when it is first shown. */

import { useEffect, useRef } from 'preact/hooks';
import type { Shared } from './App';

/** Draw the view; it follows the edits of the organ once the reader pauses. */
export function VolumeView({ page }: Shared) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const key = `${page.task?.detail.task}/${page.organ}/${page.task?.masks.version(page.organ)}`;
  useEffect(() => {
    let isGone = false;
    const timer = setTimeout(() => {
      import('../viewer/niivue')
        .then(({ showOrgan }) => (isGone ? undefined : showOrgan(canvas.current!, page)))
        .catch((problem: unknown) => page.fail(problem));
    }, 250);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [key]);
  return (
    <section class="plane extra" aria-label="3D view">
      <canvas
        ref={canvas}
        class="volume-view"
        data-testid="volume-view"
        aria-label={`3D view of ${page.nameOf(page.organ)}`}
        role="img"
      />
      <p class="corner" aria-hidden="true">
        3D {page.nameOf(page.organ)}
      </p>
    </section>
  );
}
