// Parquet: hyparquet reads one column straight from a sealed file, and the other columns are neither read nor decrypted.
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { asAsyncBuffer, createLocalKeyring, openObject, sealFile } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
await ring.create('default');
const key = ring.key('default');

// Column chunks are small, and whole segments are read: shorter segments than usual read less.
const flights = join(import.meta.dirname, '../node_modules/vega-datasets/data/flights-3m.parquet');
await sealFile(flights, 'flights.wax', key, { segmentLength: 64 * 1024 });

const object = await openObject('flights.wax', key);
const file = asAsyncBuffer(object);
const rows = await parquetReadObjects({ file, compressors, columns: ['delay'], rowStart: 0, rowEnd: 1000 });
console.log(rows.length, 'delays, the first', rows[0]);
await object.close();
ring.close();
