import { CommanderError } from 'commander';
import { Context, type GlobalOptions } from './context.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { Output } from './output.ts';
import { buildProgram, namedCommand } from './program/program.ts';

/** Runs the command line and gives its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const out = new Output({ json: args.includes('--json'), quiet: args.includes('--quiet') });
  const controller = new AbortController();
  const interrupted = listenForSignals(controller);
  ignoreBrokenPipe();
  let context: Context | undefined;
  let exit: number = EXIT.done;
  const program = buildProgram({
    context: (options: GlobalOptions) => (context ??= new Context(options, out, controller.signal)),
    ended: (code) => (exit = code),
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return usage(error, out, namedCommand(program, args));
    if (controller.signal.aborted) {
      if (!out.json) process.stderr.write('waxseal: interrupted; nothing half-written was left\n');
      return interrupted();
    }
    out.fail(error);
    return exitCodeOf(error);
  } finally {
    context?.close();
  }
}

function usage(error: CommanderError, out: Output, command: string): number {
  if (error.exitCode === 0) return EXIT.done;
  // People have been told by commander already.
  if (out.json) {
    const message = error.message.replace(/^error: /, '');
    const document = { code: 'ERR_USAGE', message, next: 'see waxseal --help' };
    process.stdout.write(`${JSON.stringify({ ok: false, command, error: document })}\n`);
  }
  return EXIT.usage;
}

/** The first signal ends the work in order, so that nothing half-written stays; the second one ends the process. */
function listenForSignals(controller: AbortController): () => number {
  let code: number = EXIT.interrupted;
  for (const [signal, number] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      code = number;
      controller.abort();
    });
  }
  return () => code;
}

/** `waxseal cat x | head` is no error. */
function ignoreBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    process.stderr.write(`waxseal: cannot write to standard output: ${error.message} [ERR_IO]\n`);
    process.exit(EXIT.failed);
  });
}
