import type { OnProgress } from '../envelope/index.ts';
import { formatBytes } from './output.ts';

const AFTER_MS = 1000;
const EVERY_MS = 100;

/** A progress bar for one object: on a terminal, and only for work that takes longer than a second. */
export interface Progress {
  readonly onProgress: OnProgress;
  stop(): void;
}

export function startProgress(label: string, enabled: boolean): Progress {
  if (!enabled || !process.stderr.isTTY) return { onProgress: () => undefined, stop: () => undefined };
  const started = performance.now();
  let bar: { update(value: number, payload: object): void; stop(): void } | undefined;
  let loading = false;
  let stopped = false;
  let last = 0;
  const begin = async (total: number): Promise<void> => {
    loading = true;
    const { default: progress } = await import('cli-progress');
    if (stopped) return;
    const created = new progress.SingleBar({
      format: `${label} {bar} {percentage}% · {rate}/s · {eta_formatted} left`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    });
    created.start(total, 0, { rate: '' });
    bar = created;
  };
  return {
    onProgress({ doneBytes, totalBytes }) {
      const now = performance.now();
      if (now - started < AFTER_MS || now - last < EVERY_MS || totalBytes === undefined) return;
      last = now;
      if (!loading) void begin(totalBytes);
      bar?.update(doneBytes, { rate: formatBytes(Math.round((doneBytes / (now - started)) * 1000)) });
    },
    stop() {
      stopped = true;
      bar?.stop();
    },
  };
}
