/** A small exhaustive model checker: breadth first, every state once, so that a trace it finds is a shortest one. */
export interface Model<S> {
  readonly initial: readonly S[];
  /** Two states with one key are the same state. */
  key(state: S): string;
  next(state: S): Iterable<readonly [step: string, state: S]>;
  /** What is wrong with a state, if anything. */
  violation(state: S): string | undefined;
}

export interface Exploration {
  readonly states: number;
  /** The steps to the nearest bad state, and what is wrong there; undefined when every state is good. */
  readonly found: { readonly violation: string; readonly trace: readonly string[] } | undefined;
}

export function explore<S>(model: Model<S>): Exploration {
  const seen = new Set<string>();
  const states: S[] = [];
  const steps: string[] = [];
  const parents: number[] = [];
  const visit = (state: S, step: string, parent: number): string | undefined => {
    const key = model.key(state);
    if (seen.has(key)) return undefined;
    seen.add(key);
    states.push(state);
    steps.push(step);
    parents.push(parent);
    return model.violation(state);
  };
  const traceOf = (at: number): string[] => {
    const trace: string[] = [];
    for (let i = at; i >= 0; i = parents[i]!) trace.unshift(steps[i]!);
    return trace;
  };
  for (const state of model.initial) {
    const violation = visit(state, 'start', -1);
    if (violation !== undefined) return { states: states.length, found: { violation, trace: ['start'] } };
  }
  for (let at = 0; at < states.length; at += 1) {
    for (const [step, state] of model.next(states[at]!)) {
      const violation = visit(state, step, at);
      if (violation !== undefined) {
        return { states: states.length, found: { violation, trace: traceOf(states.length - 1) } };
      }
    }
  }
  return { states: states.length, found: undefined };
}
