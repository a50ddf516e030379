/** Entry of the account page. */

import { render } from 'preact';
import '../sheet/sheet.css';
import { Sheet } from '../sheet/Sheet';
import { placeOf, sentenceOf, takeSession } from '../sheet/start';
import { Account } from './Account';

const root = placeOf('account');

takeSession().then(
  (session) => render(<Account session={session} />, root),
  (problem: unknown) =>
    render(
      <Sheet title="Account" about="" session={undefined} problem={sentenceOf(problem)}>
        {null}
      </Sheet>,
      root,
    ),
);
