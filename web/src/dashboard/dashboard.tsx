/** The dashboard of a project: how far it is, and what is due. */

import type { ComponentChildren } from 'preact';

import { FindingsTable, OrgansTable, ReadersTable, RoundsTable } from './tables';
import type { DashboardData } from './types';
import { bound, counted, duration, leftOutSaid, number, tasksIn, volume } from './words';

/** Show all of it; `problem` says why the figures are not of now, and is empty where they are. */
export function Dashboard({ data, problem }: { readonly data: DashboardData | null; readonly problem: string }) {
  return (
    <>
      {problem !== '' && (
        <p role="alert" class="problem">
          {problem}
        </p>
      )}
      {data === null ? <p role="status">The figures are being gathered.</p> : <Figures data={data} />}
    </>
  );
}

function Figures({ data }: { readonly data: DashboardData }) {
  const leftOut = leftOutSaid(data.queue);
  return (
    <>
      <header>
        <h1>{data.project}</h1>
        <p>{`Round ${data.round}, predicted by ${data.network}; as of ${new Date(data.made).toLocaleString()}`}</p>
        <nav>
          <a href="./">Review</a>
        </nav>
      </header>
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
    </>
  );
}

function Cards({ data }: { readonly data: DashboardData }) {
  const open = (data.queue.counts['queued'] ?? 0) + (data.queue.counts['claimed'] ?? 0);
  const { error_left: left } = data;
  const audited = left.n_drawn === 0 ? 'nothing drawn' : `${number(left.n_back)} of ${number(left.n_drawn)} audited back`;
  return (
    <dl class="cards">
      <Card name="Cases" value={number(data.n_cases)} note={`${number(data.n_predicted)} predicted, ${number(data.n_excluded)} excluded`} />
      <Card name="Open tasks" value={number(open)} note={`of ${number(tasksIn(data.queue))}; ${duration(data.queue.minutes_open)}`} />
      <Card name="Expected error left" value={volume(left.expected_ml)} note="in predicted masks that stand" />
      <Card name="Major revisions left, at most" value={bound(left.share)} note={audited} />
      <Card name="Masks held back" value={number(data.n_held)} note={counted(data.n_mask_findings, 'finding')} />
      <Card name="Conflicts" value={number(data.n_conflicts)} note="a person decides" />
    </dl>
  );
}

function Card({ name, value, note }: { readonly name: string; readonly value: string; readonly note: string }) {
  return (
    <div class="card">
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong> <small>{note}</small>
      </dd>
    </div>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section>
      <h2>{title}</h2>
      <div class="scrolls" tabIndex={0} role="region" aria-label={title}>
        {children}
      </div>
    </section>
  );
}
