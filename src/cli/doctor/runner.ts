import type { Check, Examination } from './examination.ts';
import { failed, type Finding } from './finding.ts';

/**
 * Runs checks one after the other: what one mends, the next one needs. An error in a check is a finding, and the rest
 * goes on.
 *
 * @throws the reason of the signal when the run is interrupted
 */
export async function runChecks(checks: readonly Check[], examination: Examination): Promise<Finding[]> {
  const { signal } = examination.context;
  const findings: Finding[] = [];
  for (const { name, run } of checks) {
    signal.throwIfAborted();
    try {
      findings.push(...(await run(examination)));
    } catch (error) {
      signal.throwIfAborted();
      findings.push(failed(name, error));
    }
  }
  return findings;
}
