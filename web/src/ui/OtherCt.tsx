/** Another CT of the same patient, at the same place. */

import { useEffect, useRef } from 'preact/hooks';
import { OtherCtView } from '../viewer/otherCtView';
import type { Shared } from './App';

/** Draw the axial slice of the other CT at the crosshair; its own wheel corrects the place. */
export function OtherCt({ page }: Shared) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<OtherCtView>();
  const other = page.task?.detail.other_cts.find((one) => one.case === page.otherCt);
  useEffect(() => {
    view.current = other === undefined ? undefined : new OtherCtView(page, canvas.current!, other);
  }, [other?.case]);
  useEffect(() => {
    void view.current?.show().catch((problem: unknown) => page.fail(problem));
  });
  return (
    <section class="plane extra" aria-label="The patient's other CT">
      <canvas
        ref={canvas}
        data-testid="other-ct"
        tabIndex={0}
        role="img"
        aria-label={`Axial slice of ${other?.case} at the same place`}
      />
      <p class="corner" aria-hidden="true">
        {other?.case}
      </p>
    </section>
  );
}
