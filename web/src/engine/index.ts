/** The editing engine of the review page; README.md describes it. */

export * from './bits';
export * from './brush';
export type { ChunkStorage, Codec } from './chunks';
export { type Connectivity, componentAt, components } from './components';
export { deflate } from './deflate';
export { type OrganDiff, editOfDiff } from './diff';
export { type Draft, readDraft } from './draft';
export * from './edits';
export { EngineError } from './errors';
export * from './flood';
export * from './grid';
export * from './holes';
export * from './interpolate';
export * from './islands';
export type { JournalOptions } from './journal';
export * from './labels';
export { type Flips, OrganMasks, type ReadableMasks } from './masks';
export * from './polygon';
export * from './resize';
export * from './runs';
export * from './scan';
export { runsOfCodes } from './setCodes';
export { type SeedGrowth, HU_PER_MM, MOST_VOXELS, growFromSeeds } from './seeds';
export { type Changed, EditSession, type Stroke } from './session';
export { type Smoothed, smoothed } from './smooth';
export { type SliceOptions, type Steps, runAll, runInSlices } from './steps';
export * from './transfer';
