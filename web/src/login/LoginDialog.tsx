/** The dialog by which people come in, above whatever is open. */

import { render } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isWithoutSession, RefusedError } from '../api/client';
import { logIn, loginMode, sessionNow } from '../api/people';
import type { LoginMode, SessionInfo } from '../api/types';
import './login.css';

interface LoginProps {
  readonly mode: LoginMode;
  /** Who was here before, if somebody was. */
  readonly reader: string | undefined;
  readonly theme: 'dark' | 'light' | 'system';
  readonly onSession: (session: SessionInfo) => void;
}

const WITHOUT_FORM: Readonly<Record<Exclude<LoginMode, 'password'>, readonly string[]>> = {
  link: [
    'This browser has no session.',
    'Press Enter in the terminal of the review server and open the new link in this browser; then go on here.',
  ],
  proxy: ["Your hospital's login has ended.", 'Log in there again in another tab; then go on here.'],
};

/** Ask how to come in, and give the session once there is one. */
export async function askLogin(
  reader: string | undefined,
  theme: LoginProps['theme'] = 'system',
): Promise<SessionInfo> {
  const mode = await loginMode();
  const place = document.createElement('div');
  document.body.append(place);
  return new Promise((resolve) => {
    const onSession = (session: SessionInfo): void => {
      render(null, place);
      place.remove();
      resolve(session);
    };
    render(<LoginDialog mode={mode} reader={reader} theme={theme} onSession={onSession} />, place);
  });
}

/** Draw the dialog; it cannot be closed, as nothing works without a session. */
function LoginDialog(props: LoginProps) {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => element.current!.showModal(), []);
  const stay = (event: Event): void => event.preventDefault();
  const reopen = (): void => {
    if (element.current?.isConnected === true) element.current.showModal();
  };
  return (
    <dialog
      ref={element}
      class={`login ${props.theme}`}
      aria-labelledby="login-title"
      onCancel={stay}
      onClose={reopen}
      data-testid="login"
    >
      <h1 id="login-title">{props.reader === undefined ? 'Omentum' : 'Log in to go on'}</h1>
      {props.mode === 'password' ? <PasswordForm {...props} /> : <Words {...props} mode={props.mode} />}
    </dialog>
  );
}

function PasswordForm({ reader, onSession }: LoginProps) {
  const [said, setSaid] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [waits, setWaits] = useCountdown();
  const enter = async (form: HTMLFormElement): Promise<void> => {
    const given = new FormData(form);
    setBusy(true);
    setSaid('');
    try {
      await logIn(String(given.get('username')).trim(), String(given.get('password')));
      onSession(await sessionNow());
    } catch (problem) {
      setSaid(sentence(problem));
      if (problem instanceof RefusedError && problem.status === 429) setWaits(problem.retryAfter ?? 30);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy && waits === 0) void enter(event.currentTarget);
      }}
    >
      {reader === undefined ? null : (
        <p>Your session has ended. What you drew is kept; log in as {reader} to go on with it.</p>
      )}
      <label>
        <span>Name</span>
        <input
          name="username"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          autofocus={reader === undefined}
          defaultValue={reader ?? ''}
        />
      </label>
      <label>
        <span>Password</span>
        <input
          name="password"
          type="password"
          autocomplete="current-password"
          required
          autofocus={reader !== undefined}
        />
      </label>
      <p role="alert" class="problem">
        {said}
      </p>
      <button type="submit" disabled={isBusy || waits > 0}>
        {waits > 0 ? `Wait ${waits} s` : 'Log in'}
      </button>
    </form>
  );
}

function Words({ mode, onSession }: LoginProps & { readonly mode: Exclude<LoginMode, 'password'> }) {
  const [said, setSaid] = useState('');
  const tryAgain = async (): Promise<void> => {
    try {
      onSession(await sessionNow());
    } catch (problem) {
      setSaid(isWithoutSession(problem) ? 'There is no session yet.' : sentence(problem));
    }
  };
  return (
    <>
      {WITHOUT_FORM[mode].map((line) => (
        <p key={line}>{line}</p>
      ))}
      <p role="alert" class="problem">
        {said}
      </p>
      <button type="button" autofocus onClick={() => void tryAgain()}>
        Go on
      </button>
    </>
  );
}

/** Seconds that are left to wait, and how to begin to wait. */
function useCountdown(): readonly [number, (seconds: number) => void] {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (left <= 0) return undefined;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return [left, (seconds) => setLeft(Math.max(1, Math.ceil(seconds)))];
}

/** What an error says, as a sentence. */
function sentence(problem: unknown): string {
  const said = problem instanceof Error ? problem.message : String(problem);
  return said.charAt(0).toUpperCase() + said.slice(1);
}
