/** The roles of a person as boxes to check. */

import type { Role } from '../api/types';

export const ROLES: readonly Role[] = ['reader', 'adjudicator', 'admin'];

interface RoleBoxesProps {
  /** Whose roles they are. */
  readonly of: string;
  readonly roles: readonly Role[];
  readonly onChange: (roles: readonly Role[]) => void;
}

/** Draw a box for each role. */
export function RoleBoxes({ of, roles, onChange }: RoleBoxesProps) {
  const toggled = (role: Role): readonly Role[] =>
    ROLES.filter((one) => (one === role ? !roles.includes(one) : roles.includes(one)));
  return (
    <fieldset>
      <legend class="hidden">Roles of {of}</legend>
      {ROLES.map((role) => (
        <label key={role}>
          <input type="checkbox" checked={roles.includes(role)} onChange={() => onChange(toggled(role))} />{' '}
          {role}
        </label>
      ))}
    </fieldset>
  );
}
