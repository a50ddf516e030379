/** My account: who I am, my password, the tokens of my programs. */

import { useEffect, useState } from 'preact/hooks';
import {
  type NewToken,
  type TokenInfo,
  changePassword,
  getTokens,
  makeToken,
  revokeToken,
} from '../api/people';
import type { SessionInfo } from '../api/types';
import { Section, Sheet } from '../sheet/Sheet';
import { TokenTable } from '../sheet/tokens';
import { type Work, useWork } from '../sheet/work';

/** Draw the page; a session by the server's link has no account. */
export function Account({ session }: { readonly session: SessionInfo }) {
  const work = useWork();
  const { said, problem } = work;
  const about = `${session.reader}: ${session.roles.join(', ')}`;
  return (
    <Sheet title="Account" about={about} session={session} problem={problem} said={said}>
      {session.login === 'link' ? (
        <p>This project has no people yet; an admin adds them by `omentum people add NAME --role admin`.</p>
      ) : null}
      {session.login === 'password' ? <Password work={work} name={session.reader} /> : null}
      {session.login === 'link' ? null : <Tokens work={work} />}
    </Sheet>
  );
}

function Password({ work, name }: { readonly work: Work; readonly name: string }) {
  const change = async (form: HTMLFormElement): Promise<void> => {
    const given = new FormData(form);
    const done = 'The password is changed; your other sessions have ended.';
    const isDone = await work.run(done, () => {
      if (given.get('new') !== given.get('again'))
        throw new Error('the new password is not the same in both fields; type it again');
      return changePassword(String(given.get('old')), String(given.get('new')));
    });
    if (isDone) form.reset();
  };
  return (
    <Section title="Password">
      <form
        class="form"
        aria-label="Change the password"
        onSubmit={(event) => {
          event.preventDefault();
          void change(event.currentTarget);
        }}
      >
        <input
          class="hidden"
          name="username"
          autocomplete="username"
          value={name}
          readOnly
          tabIndex={-1}
          aria-hidden="true"
        />
        <label>
          <span>Password now</span>
          <input name="old" type="password" autocomplete="current-password" required />
        </label>
        <label>
          <span>New password</span>
          <input name="new" type="password" autocomplete="new-password" required minLength={12} />
        </label>
        <label>
          <span>New password again</span>
          <input name="again" type="password" autocomplete="new-password" required minLength={12} />
        </label>
        <button type="submit" disabled={work.isBusy}>
          Change the password
        </button>
      </form>
      <p class="quiet">At least 12 characters, and not your name.</p>
    </Section>
  );
}

function Tokens({ work }: { readonly work: Work }) {
  const [tokens, setTokens] = useState<readonly TokenInfo[]>([]);
  const [made, setMade] = useState<NewToken | undefined>();
  const read = async (): Promise<void> => setTokens(await getTokens());
  useEffect(() => void work.run('', read), []);
  const make = (form: HTMLFormElement): void => {
    const given = new FormData(form);
    const days = Number(given.get('days'));
    void work.run('The token is made.', async () => {
      setMade(await makeToken(String(given.get('label')).trim(), days === 0 ? null : days));
      form.reset();
      await read();
    });
  };
  const revoke = ({ number, label }: TokenInfo): void =>
    void work.run(`The token ${label} is revoked.`, async () => {
      await revokeToken(number);
      if (made?.number === number) setMade(undefined);
      await read();
    });
  return (
    <Section title="Tokens of programs">
      <p class="quiet">
        A program such as 3D Slicer comes in by a token in your name, and may do what you may.
      </p>
      <form
        class="form"
        aria-label="Make a token"
        onSubmit={(event) => {
          event.preventDefault();
          make(event.currentTarget);
        }}
      >
        <label>
          <span>Program</span>
          <input name="label" required maxLength={100} />
        </label>
        <label>
          <span>Days, 0 for no end</span>
          <input name="days" type="number" min={0} max={3650} defaultValue="90" required />
        </label>
        <button type="submit" disabled={work.isBusy}>
          Make a token
        </button>
      </form>
      {made === undefined ? null : <MadeToken token={made} work={work} />}
      <TokenTable tokens={tokens} onRevoke={revoke} />
    </Section>
  );
}

function MadeToken({ token, work }: { readonly token: NewToken; readonly work: Work }) {
  const copy = (): void =>
    void work.run('The token is copied.', () => navigator.clipboard.writeText(token.token));
  return (
    <div class="secret">
      <p>Copy the token now: it is not shown again.</p>
      <p>
        <code data-testid="new-token">{token.token}</code>
      </p>
      <button type="button" onClick={copy}>
        Copy
      </button>
    </div>
  );
}
