/** One step that can be undone: the tool's name and, per organ, the voxels that it exchanged. */

import { ByteReader, ByteWriter } from './bytes';
import { EngineError } from './errors';
import type { Flips } from './masks';
import { type Runs, NO_RUNS, xorRuns } from './runs';

/** A step of the journal. Doing it twice restores the masks, so undo and redo are the same flips. */
export interface Change {
  readonly tool: string;
  readonly flips: Flips;
}

/** Write a change in few bytes: gaps and lengths of runs; organs by their number. */
export function encodeChange(change: Change, organs: readonly string[]): Uint8Array {
  const writer = new ByteWriter().text(change.tool).number(change.flips.size);
  for (const [organ, runs] of change.flips) writeRuns(writer.number(organs.indexOf(organ)), runs);
  return writer.bytes();
}

/**
 * Read a change.
 *
 * @throws EngineError The bytes are cut short, or an organ's number is unknown.
 */
export function decodeChange(bytes: Uint8Array, organs: readonly string[]): Change {
  const reader = new ByteReader(bytes);
  const tool = reader.text();
  const flips = new Map<string, Runs>();
  for (let left = reader.number(); left > 0; left -= 1) {
    const number = reader.number();
    const organ = organs[number];
    if (organ === undefined) {
      throw new EngineError(
        `the journal has organ number ${number} of ${organs.length}; open it with its own task`,
      );
    }
    flips.set(organ, readRuns(reader));
  }
  return { tool, flips };
}

/** Append the count of runs, then each run's distance from the one before and its length. */
export function writeRuns(writer: ByteWriter, runs: Runs): void {
  writer.number(runs.length / 2);
  let last = 0;
  for (let r = 0; r < runs.length; r += 2) {
    writer.number(runs[r]! - last).number(runs[r + 1]! - runs[r]!);
    last = runs[r + 1]!;
  }
}

/** Read runs that `writeRuns` wrote. */
export function readRuns(reader: ByteReader): Runs {
  const runs = new Uint32Array(2 * reader.number());
  let last = 0;
  for (let r = 0; r < runs.length; r += 2) {
    runs[r] = last + reader.number();
    last = runs[r]! + reader.number();
    runs[r + 1] = last;
  }
  return runs;
}

/** The flips of several steps as one: voxels that were exchanged an odd number of times. */
export function mergeFlips(steps: readonly Flips[]): Flips {
  if (steps.length === 1) return steps[0]!;
  const merged = new Map<string, Runs>();
  for (const organ of new Set(steps.flatMap((flips) => [...flips.keys()]))) {
    const runs = xorOfAll(steps.map((flips) => flips.get(organ) ?? NO_RUNS));
    if (runs.length > 0) merged.set(organ, runs);
  }
  return merged;
}

function xorOfAll(sets: readonly Runs[]): Runs {
  if (sets.length < 3) return sets.reduce(xorRuns, NO_RUNS);
  const middle = sets.length >> 1;
  return xorRuns(xorOfAll(sets.slice(0, middle)), xorOfAll(sets.slice(middle)));
}
