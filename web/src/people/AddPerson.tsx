/** Add a person. */

import { useState } from 'preact/hooks';
import { addPerson } from '../api/people';
import type { Role } from '../api/types';
import type { Work } from '../sheet/work';
import { RoleBoxes } from './roles';

interface AddPersonProps {
  readonly work: Work;
  readonly onAdded: () => Promise<void>;
}

/** Draw the form. */
export function AddPerson({ work, onAdded }: AddPersonProps) {
  const [roles, setRoles] = useState<readonly Role[]>(['reader']);
  const add = (form: HTMLFormElement): void => {
    const given = new FormData(form);
    const name = String(given.get('name')).trim();
    const password = String(given.get('password'));
    void work.run(`${name} is added.`, async () => {
      await addPerson(name, roles, password === '' ? null : password);
      form.reset();
      setRoles(['reader']);
      await onAdded();
    });
  };
  return (
    <form
      class="form"
      aria-label="Add a person"
      onSubmit={(event) => {
        event.preventDefault();
        add(event.currentTarget);
      }}
    >
      <label>
        <span>Name</span>
        <input
          name="name"
          required
          maxLength={100}
          autocomplete="off"
          pattern="[A-Za-z0-9._\-]+"
          title="Letters, digits, point, hyphen, underscore"
        />
      </label>
      <label>
        <span>First password, if any</span>
        <input name="password" type="password" minLength={12} autocomplete="new-password" />
      </label>
      <RoleBoxes of="the new person" roles={roles} onChange={setRoles} />
      <button type="submit" disabled={work.isBusy || roles.length === 0}>
        Add
      </button>
    </form>
  );
}
