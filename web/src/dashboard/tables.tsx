/** The tables of the dashboard. */

import type { CtFinding, OrganProgress, ReaderMinutes, RoundLine } from './types';
import { barSaid, counted, duration, number, partsOf, volume } from './words';

/** Progress of each organ: what stands in its cases, and its tasks. */
export function OrgansTable({ organs }: { readonly organs: readonly OrganProgress[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Organ</th>
          <th scope="col" class="wide">What stands, in cases</th>
          <th scope="col" class="figure">Open tasks</th>
          <th scope="col" class="figure">Done</th>
          <th scope="col" class="figure">Expected error</th>
        </tr>
      </thead>
      <tbody>
        {organs.map((organ) => (
          <tr key={organ.organ}>
            <th scope="row">
              <span class="dot" style={{ backgroundColor: `rgb(${organ.colour.join(' ')})` }} /> {organ.name}
            </th>
            <td>
              <Bar organ={organ} />
            </td>
            <td class="figure">{number(organ.n_open)}</td>
            <td class="figure">{number(organ.n_done)}</td>
            <td class="figure">{volume(organ.error_ml)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Bar({ organ }: { readonly organ: OrganProgress }) {
  return (
    <>
      <div class="bar" aria-hidden="true">
        {partsOf(organ).map((part) => (
          <span key={part.kind} class={`part ${part.kind}`} style={{ flexGrow: part.cases }} title={part.said} />
        ))}
      </div>
      <small>{barSaid(organ)}</small>
    </>
  );
}

/** What the plausibility rules say of whole CTs, with the command that confirms it. */
export function FindingsTable({ findings, count }: { readonly findings: readonly CtFinding[]; readonly count: number }) {
  if (count === 0) return <p>No finding about a CT is open.</p>;
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">Case</th>
            <th scope="col">Finding</th>
            <th scope="col" class="wide">Where that is right</th>
          </tr>
        </thead>
        <tbody>
          {findings.map((one) => (
            <tr key={`${one.case} ${one.rule}`}>
              <th scope="row">{one.case}</th>
              <td>{one.said}</td>
              <td>
                <code>{one.command}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {count > findings.length && <p>{`The severest ${findings.length} of ${number(count)}; omentum status has all.`}</p>}
    </>
  );
}

/** The figures of all rounds, the latest first. */
export function RoundsTable({ rounds }: { readonly rounds: readonly RoundLine[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col" class="figure">Round</th>
          <th scope="col">Network</th>
          <th scope="col" class="figure">Dice</th>
          <th scope="col" class="figure">Surface Dice</th>
          <th scope="col" class="figure">Minutes</th>
          <th scope="col" class="figure">Revised</th>
          <th scope="col" class="figure">Changed</th>
          <th scope="col">Network tuned in it</th>
        </tr>
      </thead>
      <tbody>
        {[...rounds].reverse().map((one) => (
          <tr key={one.number}>
            <th scope="row" class="figure">{one.number}</th>
            <td>{one.network}</td>
            <td class="figure">{number(one.dice, 3)}</td>
            <td class="figure">{number(one.surface_dice, 3)}</td>
            <td class="figure">{duration(one.minutes)}</td>
            <td class="figure">{revisedSaid(one)}</td>
            <td class="figure">{volume(changedMl(one))}</td>
            <td>{verdictSaid(one)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function revisedSaid(one: RoundLine): string {
  return one.n_tasks === null ? number(one.n_revised) : `${number(one.n_revised)} of ${counted(one.n_tasks, 'task')}`;
}

function changedMl(one: RoundLine): number | null {
  return one.added_ml === null || one.removed_ml === null ? null : one.added_ml + one.removed_ml;
}

function verdictSaid(one: RoundLine): string {
  return one.verdict === null ? '–' : `${one.verdict_network ?? ''} ${one.verdict}: ${one.verdict_why ?? ''}`;
}

/** What each reader did. */
export function ReadersTable({ readers }: { readonly readers: readonly ReaderMinutes[] }) {
  if (readers.length === 0) return <p>No mask has come back yet.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Reader</th>
          <th scope="col" class="figure">Revisions</th>
          <th scope="col" class="figure">Handed in, this round</th>
          <th scope="col" class="figure">Handed in, all rounds</th>
          <th scope="col" class="figure">At work in the page</th>
        </tr>
      </thead>
      <tbody>
        {readers.map((one) => (
          <tr key={one.reader}>
            <th scope="row">{one.reader}</th>
            <td class="figure">{number(one.n_revisions)}</td>
            <td class="figure">{duration(one.minutes_in_round)}</td>
            <td class="figure">{duration(one.minutes)}</td>
            <td class="figure">{duration(one.minutes_at_work)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
