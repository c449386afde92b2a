import type { KeyState } from '../provider.ts';

/**
 * States of a key version, after NIST SP 800-57 Part 1 Rev. 5, section 7.
 *
 * What is recorded is only what somebody decided. The rest follows: the newest version is the current one; every older
 * version that nobody touched is deactivated, because it was replaced. An older version never becomes current again: a
 * key that was replaced must not protect anything new.
 */
export function effectiveState(recorded: readonly KeyState[], isNewest: boolean): KeyState {
  const last = recorded.at(-1) ?? 'active';
  return last === 'active' && !isNewest ? 'deactivated' : last;
}

/**
 * Two of these are not in the standard's figure and needed for retirement: a deactivated and a compromised version may be
 * suspended, to see whether anybody still needs it before it is destroyed. Destroying asks for one step before it
 * (deactivate or suspend): a single slip must not destroy the key that is in use.
 */
const NEXT: Readonly<Record<KeyState, readonly KeyState[]>> = {
  'pre-activation': ['active', 'suspended', 'compromised', 'destroyed'],
  active: ['suspended', 'deactivated', 'compromised'],
  suspended: ['active', 'deactivated', 'compromised', 'destroyed'],
  deactivated: ['suspended', 'compromised', 'destroyed'],
  compromised: ['suspended', 'destroyed'],
  destroyed: [],
};

/** The states that a version may be brought to. A compromise is never forgotten, also not through a suspension. */
export function nextStates(recorded: readonly KeyState[], isNewest: boolean): readonly KeyState[] {
  const state = effectiveState(recorded, isNewest);
  const next = NEXT[state];
  if (state !== 'suspended') return next;
  if (recorded.includes('compromised')) return ['compromised', 'destroyed'];
  // Enabled again it is what it was before: never more. A deactivated version stays one.
  return !isNewest || recorded.includes('deactivated') ? next.filter((to) => to !== 'active') : next;
}

/** Whether old wraps may be opened: processing what was protected before (SP 800-57 section 7). */
export function mayUnwrap(state: KeyState): boolean {
  return state === 'active' || state === 'deactivated' || state === 'compromised';
}
