/** The dashboard of a project: how far it is, and what is due. */

import type { SessionInfo } from '../api/types';
import { Section, Sheet } from '../sheet/Sheet';
import { SortedTable } from '../sheet/SortedTable';
import { FindingsTable, OrgansTable, ReadersTable, RoundsTable } from './tables';
import type { DashboardData } from './types';
import { bound, counted, duration, leftOutSaid, number, tasksIn, volume } from './words';

interface DashboardProps {
  readonly data: DashboardData | null;
  readonly session: SessionInfo | undefined;
  /** Why the figures are not of now; empty where they are. */
  readonly problem: string;
}

/** Show all of it. */
export function Dashboard({ data, session, problem }: DashboardProps) {
  const about =
    data === null
      ? ''
      : `Round ${data.round}, predicted by ${data.network}; as of ${new Date(data.made).toLocaleString()}`;
  return (
    <Sheet title={data?.project ?? 'Dashboard'} about={about} session={session} problem={problem}>
      {data === null ? <p>The figures are being gathered.</p> : <Figures data={data} />}
    </Sheet>
  );
}

function Figures({ data }: { readonly data: DashboardData }) {
  const leftOut = leftOutSaid(data.queue);
  return (
    <>
      <Cards data={data} />
      <Section title="What is due">
        <ul>
          {data.due.map((one) => (
            <li key={one.what}>
              {`${one.who}: ${one.what}`} <code>{one.command}</code>
            </li>
          ))}
        </ul>
      </Section>
      <Section title="Organs">
        <OrgansTable organs={data.organs} />
      </Section>
      <Section title="Queue">
        <p>
          {Object.entries(data.queue.counts)
            .map(([state, count]) => `${number(count)} ${state}`)
            .join(', ')}
        </p>
        {leftOut !== '' && <p>{leftOut}</p>}
      </Section>
      <Section title="Error left">
        <p>{data.error_left.said}</p>
      </Section>
      <Section title="Findings about CTs">
        <FindingsTable findings={data.ct_findings} count={data.n_ct_findings} />
      </Section>
      <Section title="Rounds">
        <RoundsTable rounds={data.rounds} />
        <p class="quiet">
          {data.compared_with === ''
            ? 'Dice is measured by omentum evaluate, which has not run yet.'
            : `Dice compares with ${data.compared_with}.`}
        </p>
      </Section>
      <Section title="Readers">
        <ReadersTable readers={data.readers} />
      </Section>
      {data.tables.map(({ id, title, said, columns, rows }) => (
        <Section key={id} title={title}>
          {said === '' ? null : <p>{said}</p>}
          {rows.length === 0 ? null : <SortedTable caption={title} columns={columns} rows={rows} />}
        </Section>
      ))}
    </>
  );
}

function Cards({ data }: { readonly data: DashboardData }) {
  const open = (data.queue.counts['queued'] ?? 0) + (data.queue.counts['claimed'] ?? 0);
  const { error_left: left } = data;
  const audited =
    left.n_drawn === 0 ? 'nothing drawn' : `${number(left.n_back)} of ${number(left.n_drawn)} audited back`;
  return (
    <dl class="cards">
      <Card
        name="Cases"
        value={number(data.n_cases)}
        note={`${number(data.n_predicted)} predicted, ${number(data.n_excluded)} excluded`}
      />
      <Card
        name="Open tasks"
        value={number(open)}
        note={`of ${number(tasksIn(data.queue))}; ${duration(data.queue.minutes_open)}`}
      />
      <Card
        name="Expected error left"
        value={volume(left.expected_ml)}
        note="in predicted masks that stand"
      />
      <Card name="Major revisions left, at most" value={bound(left.share)} note={audited} />
      <Card
        name="Masks held back"
        value={number(data.n_held)}
        note={counted(data.n_mask_findings, 'finding')}
      />
      <Card name="Conflicts" value={number(data.n_conflicts)} note="a person decides" />
    </dl>
  );
}

function Card({
  name,
  value,
  note,
}: {
  readonly name: string;
  readonly value: string;
  readonly note: string;
}) {
  return (
    <div class="card">
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong> <small>{note}</small>
      </dd>
    </div>
  );
}
