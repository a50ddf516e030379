/** Errors that the editing engine raises on purpose. */

/** A request the engine cannot carry out; the message gives the value seen, the rule and the cure. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}
