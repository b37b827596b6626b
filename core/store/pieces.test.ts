import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decrypter } from 'age-encryption';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../bytes.ts';
import { claimedType, contentType } from './media-type.ts';
import { createPieceRecipient, openPieces, readBroughtFile } from './pieces.ts';
import { childProgram, ended, random, temporaryFolder } from './test-store.ts';

const identity = generateKeyPairSync('x25519').privateKey;
const limits = { pieceBytes: 100_000 };
const code = (value: string) => expect.objectContaining({ code: value });
const pdf = (text: string): Uint8Array => utf8(`%PDF-1.7\n${text}`);

async function emptyPieces() {
  const folder = join(await temporaryFolder(), 'pieces');
  await createPieceRecipient({ pieces: folder }, identity);
  return { folder, pieces: openPieces(folder, limits) };
}

const files = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.age'))
    .map((entry) => join(entry.parentPath, entry.name));

describe('a piece', () => {
  test('comes back as it was put, and lies encrypted under its digest', async () => {
    const { folder, pieces } = await emptyPieces();
    const content = pdf('a secret');
    const stored = await pieces.put({ name: '/tmp/lease.pdf', content });
    expect(stored).toMatchObject({ mediaType: 'application/pdf', size: content.length, name: 'lease.pdf' });
    expect(await pieces.has(stored.sha256)).toBe(true);
    expect(await pieces.get(stored.sha256, identity)).toEqual(content);

    const [path] = await files(folder);
    const name = toHex(stored.sha256);
    expect(path).toBe(join(folder, name.slice(0, 2), name.slice(2, 4), `${name}.age`));
    const bytes = await readFile(path!);
    expect(bytes.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
    expect(bytes.includes('a secret')).toBe(false);
  });

  test('is an age file that any implementation with the key opens', async () => {
    const { folder, pieces } = await emptyPieces();
    await pieces.put({ name: 'a.pdf', content: pdf('x') });
    const der = identity.export({ type: 'pkcs8', format: 'der' });
    const decrypter = new Decrypter();
    decrypter.addIdentity(await crypto.subtle.importKey('pkcs8', der, 'X25519', false, ['deriveBits']));
    expect(await decrypter.decrypt(await readFile((await files(folder))[0]!))).toEqual(pdf('x'));
  });

  test('that is put twice, at once too, is kept once', async () => {
    const { folder, pieces } = await emptyPieces();
    const content = pdf('same');
    await Promise.all(Array.from({ length: 8 }, () => pieces.put({ name: 'a.pdf', content })));
    const before = await readFile((await files(folder))[0]!);
    await pieces.put({ name: 'b.pdf', content });
    expect(await files(folder)).toHaveLength(1);
    expect(await readFile((await files(folder))[0]!)).toEqual(before);
  });

  test('of any content comes back', async () => {
    const { pieces } = await emptyPieces();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const content = new Uint8Array([...pdf(''), ...bytes]);
        const { sha256 } = await pieces.put({ name: 'a.PDF', content });
        expect(await pieces.get(sha256, identity)).toEqual(content);
      }),
      { numRuns: 15 },
    );
  });

  test('is taken up to the limit', async () => {
    const { folder, pieces } = await emptyPieces();
    const content = new Uint8Array(limits.pieceBytes + 1);
    content.set(pdf(''));
    await expect(pieces.put({ name: 'a.pdf', content })).rejects.toEqual(code('PIECE_TOO_LARGE'));
    expect(await files(folder)).toEqual([]);
    await pieces.put({ name: 'a.pdf', content: content.subarray(1) }).catch(() => {});
    await pieces.put({ name: 'a.pdf', content: content.subarray(0, -1) });
    expect(await files(folder)).toHaveLength(1);
  });

  test.each([
    ['a.exe', pdf('')],
    ['a', pdf('')],
    ['a.png', pdf('')],
    ['a.pdf', utf8('MZ')],
    ['a.pdf', new Uint8Array()],
    ['a.svg', utf8('<svg/>')],
    ['a.pdf.html', pdf('')],
  ])('named %s of another content is refused', async (name, content) => {
    const { folder, pieces } = await emptyPieces();
    await expect(pieces.put({ name, content })).rejects.toEqual(code('PIECE_TYPE'));
    expect(await files(folder)).toEqual([]);
  });

  test('that was damaged, exchanged, cut or removed is not given out', async () => {
    const { folder, pieces } = await emptyPieces();
    const one = await pieces.put({ name: 'a.pdf', content: pdf('one') });
    const [path] = await files(folder);
    const two = await pieces.put({ name: 'a.pdf', content: pdf('two') });
    const good = await readFile(path!);

    const damaged = Uint8Array.from(good);
    damaged[damaged.length - 1]! ^= 1;
    await writeFile(path!, damaged);
    await expect(pieces.get(one.sha256, identity)).rejects.toEqual(code('PIECE_UNREADABLE'));

    const other = (await files(folder)).find((file) => file !== path)!;
    await writeFile(path!, await readFile(other));
    await expect(pieces.get(one.sha256, identity)).rejects.toEqual(code('PIECE_UNREADABLE'));

    await writeFile(path!, good);
    await truncate(path!, 0);
    await expect(pieces.get(one.sha256, identity)).rejects.toEqual(code('PIECE_UNREADABLE'));
    await expect(pieces.get(random(32), identity)).rejects.toEqual(code('PIECE_UNKNOWN'));
    const stranger = generateKeyPairSync('x25519').privateKey;
    await expect(pieces.get(two.sha256, stranger)).rejects.toEqual(code('PIECE_UNREADABLE'));
  });

  test('meets a full disk: DISK_FULL, and nothing half-written', async () => {
    const { folder } = await emptyPieces();
    const run = await childProgram(`
      import { openPieces } from './pieces.ts';
      const content = new Uint8Array(90_000);
      content.set(new TextEncoder().encode('%PDF-1.7'));
      openPieces(process.argv[2], { pieceBytes: 100_000 }).put({ name: 'a.pdf', content }).catch((error) => console.log(error.code));
    `);
    const end = await ended(run([folder], 'ulimit -f 64'));
    expect(end).toMatchObject({ stdout: 'DISK_FULL\n', stderr: '' });
    expect(await files(folder)).toEqual([]);
  });
});

describe('a file that a person names', () => {
  test('is read when it is one, and not when it is too large', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.pdf'), pdf('x'));
    expect(await readBroughtFile(join(folder, 'a.pdf'), limits)).toEqual({
      name: 'a.pdf',
      content: pdf('x'),
    });
    await writeFile(join(folder, 'big.pdf'), new Uint8Array(limits.pieceBytes + 1));
    await expect(readBroughtFile(join(folder, 'big.pdf'), limits)).rejects.toEqual(code('PIECE_TOO_LARGE'));
    await mkdir(join(folder, 'folder.pdf'));
    await expect(readBroughtFile(join(folder, 'folder.pdf'), limits)).rejects.toEqual(
      code('PIECE_UNREADABLE'),
    );
    await expect(readBroughtFile(join(folder, 'none.pdf'), limits)).rejects.toEqual(code('PIECE_UNREADABLE'));
    const below = join(folder, 'a.pdf', 'b.pdf');
    await expect(readBroughtFile(below, limits)).rejects.toEqual(code('PIECE_UNREADABLE'));
  });
});

describe('types', () => {
  test('are told by the first bytes', () => {
    expect(contentType(pdf(''))).toBe('application/pdf');
    expect(contentType(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]))).toBe('image/jpeg');
    expect(contentType(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]))).toBe('image/png');
    expect(contentType(new Uint8Array([0x89, 0x50, 0x4e, 0x47]))).toBeUndefined();
    expect(contentType(new Uint8Array())).toBeUndefined();
  });

  test('are claimed by the end of the name', () => {
    expect(['a.pdf', 'b.JPEG', 'c.jpg', 'd.png', 'e.gif', 'pdf', 'f.constructor'].map(claimedType)).toEqual([
      'application/pdf',
      'image/jpeg',
      'image/jpeg',
      'image/png',
      undefined,
      undefined,
      undefined,
    ]);
  });
});
