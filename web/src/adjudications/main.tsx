/** Entry of the list of tasks to adjudicate. */

import { render } from 'preact';
import '../sheet/sheet.css';
import { Sheet } from '../sheet/Sheet';
import { placeOf, sentenceOf, takeSession } from '../sheet/start';
import { Adjudications } from './Adjudications';

const root = placeOf('adjudications');

takeSession().then(
  (session) => render(<Adjudications session={session} />, root),
  (problem: unknown) =>
    render(
      <Sheet title="Adjudication" about="" session={undefined} problem={sentenceOf(problem)}>
        {null}
      </Sheet>,
      root,
    ),
);
