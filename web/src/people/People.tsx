/** People and assignments: who may come in, with which roles, and whose tasks are dealt to whom. */

import { useEffect, useState } from 'preact/hooks';
import { type AssignmentInfo, type PersonInfo, getAssignments, getPeople, hasRole } from '../api/people';
import type { SessionInfo } from '../api/types';
import { Section, Sheet } from '../sheet/Sheet';
import { useWork } from '../sheet/work';
import { AddPerson } from './AddPerson';
import { Assignments } from './Assignments';
import { PersonRow } from './PersonRow';

/** Draw the page; it is for admins alone. */
export function People({ session }: { readonly session: SessionInfo }) {
  const work = useWork();
  const isAdmin = hasRole(session.roles, 'admin');
  const [people, setPeople] = useState<readonly PersonInfo[]>([]);
  const [assignments, setAssignments] = useState<readonly AssignmentInfo[]>([]);
  const readPeople = async (): Promise<void> => setPeople(await getPeople());
  const readAssignments = async (): Promise<void> => setAssignments(await getAssignments());
  useEffect(() => {
    if (isAdmin) void work.run('', () => Promise.all([readPeople(), readAssignments()]));
  }, []);
  const { said, problem } = work;
  return (
    <Sheet title="People" about={session.project} session={session} problem={problem} said={said}>
      {isAdmin ? (
        <>
          <Section title="Who may come in">
            <p class="quiet">
              A name is a pseudonym: it is in the record of every mask that the person reads, and cannot be
              changed later.
            </p>
            <PeopleTable people={people} work={work} onChange={readPeople} />
            <AddPerson work={work} onAdded={readPeople} />
          </Section>
          <Section title="Assignments">
            <Assignments
              organs={session.organs}
              readers={people.filter(({ is_disabled: isDisabled }) => !isDisabled).map(({ name }) => name)}
              assignments={assignments}
              work={work}
              onChange={readAssignments}
            />
          </Section>
        </>
      ) : (
        <p role="alert">This page is for admins; ask one of them to change roles or passwords.</p>
      )}
    </Sheet>
  );
}

interface PeopleTableProps {
  readonly people: readonly PersonInfo[];
  readonly work: ReturnType<typeof useWork>;
  readonly onChange: () => Promise<void>;
}

function PeopleTable({ people, work, onChange }: PeopleTableProps) {
  if (people.length === 0) return <p>There are no people: whoever opens the server's link has all roles.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Roles</th>
          <th scope="col">Since</th>
          <th scope="col">State</th>
          <th scope="col">Tokens</th>
          <th scope="col">
            <span class="hidden">Change</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {people.map((person) => (
          <PersonRow key={person.name} person={person} work={work} onChange={onChange} />
        ))}
      </tbody>
    </table>
  );
}
