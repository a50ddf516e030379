/** What happened to an organ, with what restores each mask. */

import type { HistoryEvent, OrganHistory } from '../api/types';
import { askRestore, compareEarlier, maskOfEvent } from '../flow/history';
import type { Shared } from './App';

/** Draw the history of an organ as a dialog's content. */
export function HistoryList(shared: Shared & { readonly history: OrganHistory }) {
  const { page, history } = shared;
  return (
    <>
      <h2 id="dialog-title">History of {page.nameOf(history.organ)}</h2>
      <p>{standsSaid(history)}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">What</th>
            <th scope="col">By</th>
            <th scope="col">Said</th>
            <th scope="col">
              <span class="hidden">Compare or restore</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {history.events.map((event, n) => (
            <EventRow key={n} {...shared} event={event} />
          ))}
        </tbody>
      </table>
      <div class="answers">
        <button type="button" class="main" autofocus onClick={() => page.closeDialog()}>
          Close
        </button>
      </div>
    </>
  );
}

/** Which mask stands; of an organ that is read twice nothing is told before both readings are in. */
function standsSaid({ stands, why }: OrganHistory): string {
  if (stands === null)
    return why === '' ? 'What stands is not shown before all readings are in.' : `None stands: ${why}.`;
  return `The ${stands} mask stands: ${why}.`;
}

function EventRow(shared: Shared & { readonly history: OrganHistory; readonly event: HistoryEvent }) {
  const { page, handIn, history, event } = shared;
  const mask = maskOfEvent(event);
  const isKnown = mask !== undefined && (page.task?.detail.masks.includes(mask.source) ?? false);
  const said = event.revision === null ? `the ${event.what}` : `revision ${event.revision}`;
  return (
    <tr>
      <td>{event.time === null ? '–' : new Date(event.time).toLocaleString()}</td>
      <td>{event.revision === null ? event.what : `${event.what} ${event.revision}`}</td>
      <td>{event.by}</td>
      <td class="said">{event.stands ? `${event.said} (stands)` : event.said}</td>
      <td>
        {mask !== undefined && isKnown ? (
          <button
            type="button"
            class="small"
            aria-label={`Compare with ${said}`}
            onClick={() => void compareEarlier(page, mask)}
          >
            Compare
          </button>
        ) : null}
        {mask !== undefined && !event.stands ? (
          <button
            type="button"
            class="small"
            aria-label={`Restore ${said}`}
            data-testid={`restore-${mask.to}`}
            onClick={() => askRestore(page, handIn, history.organ, mask, said)}
          >
            Restore
          </button>
        ) : null}
      </td>
    </tr>
  );
}
