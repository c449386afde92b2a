/** Run by small-objects.test.ts: measures once and prints the rates. In a process of its own, where nothing is transformed. */
import { measureSmallObjects } from '../bench/small-objects.ts';

console.log(JSON.stringify(await measureSmallObjects(Number(process.argv[2]))));
