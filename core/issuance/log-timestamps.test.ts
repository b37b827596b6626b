import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { importVerifierKey, type NoteVerifier } from '../log/note.ts';
import { passphraseKeys } from '../pki/key-file.ts';
import { serialNumber } from '../pki/serial.ts';
import { openTrustBundle } from '../pki/trust-bundle.ts';
import { openKeyRing } from '../store/keys.ts';
import { postPaths } from '../store/post-folder.ts';
import { timestampAuthority } from '../time/authority.ts';
import type { TimestampSource } from '../time/source.ts';
import { stampCheckpoint, stampedCheckpoints, stampFault } from './log-timestamps.ts';
import { passphrase } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';
import { timestampPolicy } from './timestamping.ts';

let template: PostTemplate;
let source: TimestampSource;
let key: NoteVerifier;
const trusted = async () => undefined;

beforeAll(async () => {
  template = await postTemplate([]);
  const paths = postPaths(await template.copy());
  source = timestampAuthority({
    signer: await openKeyRing(paths, { fileKey: passphraseKeys(passphrase) }).certified('tsa'),
    policy: timestampPolicy,
    clock: () => new Date(),
    serial: () => serialNumber(nodeBackend.random),
    accuracy: 1,
  });
  const bundle = await openTrustBundle(new Uint8Array(await readFile(paths.trust)), nodeBackend);
  key = await importVerifierKey(bundle.logs[0]?.key ?? '', nodeBackend);
});
afterAll(() => template.remove());

async function stampedLog(): Promise<{ log: string; file: string }> {
  const { log } = postPaths(await template.copy());
  return { log, file: (await stampCheckpoint(log, source, new Date())).file };
}
const faults = async (log: string) =>
  Promise.all((await stampedCheckpoints(log)).map((each) => stampFault(each, [key], trusted)));

test('the checkpoint of a day is time-stamped once', async () => {
  const { log, file } = await stampedLog();
  expect(await faults(log)).toEqual([undefined]);
  const before = await readFile(file.replace('checkpoint', 'tst'));
  expect(await stampCheckpoint(log, source, new Date())).toEqual({ file, stamped: false });
  expect(await readFile(file.replace('checkpoint', 'tst'))).toEqual(before);
});

test('a log without a checkpoint has nothing to stamp, one that was never stamped has none', async () => {
  const { log } = postPaths(await template.copy());
  expect(await stampedCheckpoints(log)).toEqual([]);
  await rm(join(log, 'checkpoint'));
  await expect(stampCheckpoint(log, source, new Date())).rejects.toMatchObject({
    code: 'CHECKPOINT_INVALID',
  });
});

test('what is changed, lost or put under another day is found', async () => {
  const changes: ((file: string, token: string) => Promise<unknown>)[] = [
    async (file) => writeFile(file, (await readFile(file, 'utf8')).replace('\n0\n', '\n1\n')),
    (file) => writeFile(file, 'nothing'),
    (file) => rm(file),
    (_, token) => rm(token),
    async (_, token) => {
      const bytes = await readFile(token);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      await writeFile(token, bytes);
    },
    async (file, token) => {
      await writeFile(file.replace(/\d{4}-/, '1999-'), await readFile(file));
      await writeFile(token.replace(/\d{4}-/, '1999-'), await readFile(token));
      await Promise.all([rm(file), rm(token)]);
    },
  ];
  for (const change of changes) {
    const { log, file } = await stampedLog();
    await change(file, file.replace('checkpoint', 'tst'));
    expect(await faults(log)).toEqual([expect.any(String)]);
  }
});

test('an authority that is not trusted is named', async () => {
  const { log } = await stampedLog();
  const [stamped] = await stampedCheckpoints(log);
  if (!stamped) throw new Error('nothing was stamped');
  expect(await stampFault(stamped, [key], async ({ certificate }) => certificate.subject.text)).toContain(
    'CN=',
  );
});
