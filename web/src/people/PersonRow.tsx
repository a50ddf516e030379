/** One person: roles, password, tokens, and whether he may come in. */

import { useState } from 'preact/hooks';
import { type PersonChange, type PersonInfo, type TokenInfo, changePerson, revokeToken } from '../api/people';
import { TokenTable, dateText, isValid } from '../sheet/tokens';
import type { Work } from '../sheet/work';
import { RoleBoxes } from './roles';

interface PersonRowProps {
  readonly person: PersonInfo;
  readonly work: Work;
  readonly onChange: () => Promise<void>;
}

type Open = 'password' | 'tokens' | undefined;

/** Draw a person's row, and below it what is open of it. */
export function PersonRow({ person, work, onChange }: PersonRowProps) {
  const { name, roles, is_disabled: isDisabled, tokens } = person;
  const [open, setOpen] = useState<Open>();
  const change = (done: string, wanted: PersonChange): Promise<boolean> =>
    work.run(done, () => changePerson(name, wanted).finally(onChange));
  const revoke = ({ number, label }: TokenInfo): void =>
    void work.run(`The token ${label} of ${name} is revoked.`, () => revokeToken(number).then(onChange));
  const toggle = (part: Open) => (): void => setOpen(open === part ? undefined : part);
  return (
    <>
      <tr data-testid={`person-${name}`}>
        <th scope="row">{name}</th>
        <td>
          <RoleBoxes
            of={name}
            roles={roles}
            onChange={(wanted) => void change(`Roles of ${name}: ${wanted.join(', ')}.`, { roles: wanted })}
          />
        </td>
        <td>{dateText(person.since)}</td>
        <td>{stateSaid(person)}</td>
        <td class="figure">{tokens.filter((token) => isValid(token)).length}</td>
        <td>
          <div class="actions">
            <button
              type="button"
              aria-label={`${isDisabled ? 'Enable' : 'Disable'} ${name}`}
              onClick={() =>
                void change(
                  `${name} is ${isDisabled ? 'enabled' : 'disabled; sessions and tokens have ended'}.`,
                  {
                    is_disabled: !isDisabled,
                  },
                )
              }
            >
              {isDisabled ? 'Enable' : 'Disable'}
            </button>
            <button
              type="button"
              aria-label={`New password for ${name}`}
              aria-expanded={open === 'password'}
              onClick={toggle('password')}
            >
              Password
            </button>
            <button
              type="button"
              aria-label={`Tokens of ${name}`}
              aria-expanded={open === 'tokens'}
              onClick={toggle('tokens')}
            >
              Tokens
            </button>
          </div>
        </td>
      </tr>
      {open === undefined ? null : (
        <tr>
          <td colSpan={6}>
            {open === 'tokens' ? (
              <TokenTable tokens={tokens} onRevoke={revoke} />
            ) : (
              <NewPassword
                name={name}
                onPassword={async (password) => {
                  if (await change(`${name} has a new password; sessions have ended.`, { password }))
                    setOpen(undefined);
                }}
              />
            )}
          </td>
        </tr>
      )}
    </>
  );
}

function stateSaid({ is_disabled: isDisabled, has_password: hasPassword }: PersonInfo): string {
  if (isDisabled) return 'disabled';
  return hasPassword ? 'may come in' : 'has no password';
}

interface NewPasswordProps {
  readonly name: string;
  readonly onPassword: (password: string) => Promise<void>;
}

function NewPassword({ name, onPassword }: NewPasswordProps) {
  return (
    <form
      class="form"
      aria-label={`Password of ${name}`}
      onSubmit={(event) => {
        event.preventDefault();
        void onPassword(String(new FormData(event.currentTarget).get('password')));
      }}
    >
      <label>
        <span>New password of {name}, at least 12 characters</span>
        <input
          name="password"
          type="password"
          minLength={12}
          required
          autocomplete="new-password"
          autofocus
        />
      </label>
      <button type="submit">Set the password</button>
    </form>
  );
}
