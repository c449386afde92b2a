/**
 * Makes `abandon` run when a generator is ended before its first step. Its own `finally` is not reached then: keys would
 * stay in memory, and sources open.
 *
 * @returns the same generator
 */
export function onAbandon<T>(
  generator: AsyncGenerator<T, void, undefined>,
  abandon: () => void | Promise<void>,
): AsyncGenerator<T, void, undefined> {
  const step = generator.next.bind(generator);
  const end = generator.return.bind(generator);
  const fail = generator.throw.bind(generator);
  let started = false;
  const abandonOnce = async (): Promise<void> => {
    if (started) return;
    started = true;
    await abandon();
  };
  generator.next = () => {
    started = true;
    return step();
  };
  generator.return = (value) => abandonOnce().then(() => end(value));
  generator.throw = (error: unknown) => abandonOnce().then(() => fail(error));
  return generator;
}
