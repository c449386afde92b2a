/** A process that does one thing to a world and ends. */
import { OPERATIONS, type OperationName } from './operations.ts';

const [name = '', folder = ''] = process.argv.slice(2);
await OPERATIONS[name as OperationName](folder);
