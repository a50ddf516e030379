/** Personal tokens of programs, in a table. */

import type { TokenInfo } from '../api/people';

/** A date as the reader's own calendar writes it. */
export const dateText = (time: string): string => new Date(time).toLocaleDateString();

/** How a token is now, in words. */
export function tokenSaid({ until, revoked }: TokenInfo, now: Date = new Date()): string {
  if (revoked !== null) return `revoked ${dateText(revoked)}`;
  if (until === null) return 'valid until it is revoked';
  return new Date(until) <= now ? `ended ${dateText(until)}` : `valid until ${dateText(until)}`;
}

/** Whether a token still lets a program in. */
export const isValid = ({ until, revoked }: TokenInfo, now: Date = new Date()): boolean =>
  revoked === null && (until === null || new Date(until) > now);

interface TokenTableProps {
  readonly tokens: readonly TokenInfo[];
  readonly onRevoke: (token: TokenInfo) => void;
}

/** List tokens, each with what revokes it. */
export function TokenTable({ tokens, onRevoke }: TokenTableProps) {
  if (tokens.length === 0) return <p>There are no tokens.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Token</th>
          <th scope="col">Made</th>
          <th scope="col">State</th>
          <th scope="col">
            <span class="hidden">Revoke</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <tr key={token.number} data-testid={`token-${token.number}`}>
            <th scope="row">{token.label}</th>
            <td>{dateText(token.since)}</td>
            <td>{tokenSaid(token)}</td>
            <td>
              {isValid(token) ? (
                <button type="button" aria-label={`Revoke ${token.label}`} onClick={() => onRevoke(token)}>
                  Revoke
                </button>
              ) : null}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
