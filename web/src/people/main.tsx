/** Entry of the people page. */

import { render } from 'preact';
import '../sheet/sheet.css';
import { Sheet } from '../sheet/Sheet';
import { placeOf, sentenceOf, takeSession } from '../sheet/start';
import { People } from './People';

const root = placeOf('people');

takeSession().then(
  (session) => render(<People session={session} />, root),
  (problem: unknown) =>
    render(
      <Sheet title="People" about="" session={undefined} problem={sentenceOf(problem)}>
        {null}
      </Sheet>,
      root,
    ),
);
