import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { presentationMatrix } from '../core/seal/qr.ts';
import type { RecordDisclosure } from '../core/seal/record-disclosures.ts';
import { type HeldDocument, openHeldDocument, present } from '../core/verify/holder.ts';
import { readInput } from './input-file.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { writeOutput } from './output-file.ts';
import { readPictureCodes } from './pictures.ts';
import { newCommand, run, withCommonOptions } from './program.ts';
import { qrFile } from './qr-file.ts';
import { say } from './words.ts';

interface DiscloseOptions extends CommonOptions {
  show?: string;
  out?: string;
  qr?: string;
}

/** Larger files are no documents of ours. */
const maxBytes = 64 * 1024 * 1024;

async function disclose(file: string, options: DiscloseOptions): Promise<void> {
  const { show, out, qr } = options;
  if (show === undefined && (out !== undefined || qr !== undefined))
    throw new ConsulError('USAGE', '--out and --qr need --show: nothing is shown that was not named');
  const draw = qr === undefined ? undefined : qrFile(qr);
  const held = await openHeldDocument(await readInput(file, maxBytes), readPictureCodes, nodeBackend);
  if (show === undefined) {
    list(held, options);
    return;
  }
  const fields = new Set(show.split(',').map((name) => fieldNamed(name, held.disclosures).field));
  const text = await present(held, fields, nodeBackend);
  if (draw && qr !== undefined) await writeOutput(qr, draw(presentationMatrix(text)));
  if (out !== undefined) await writeOutput(out, `${text}\n`);
  report(held, fields, text, options);
}

function list({ number, disclosures }: HeldDocument, options: DiscloseOptions): void {
  const language = messageLanguage(options);
  if (options.json) {
    printJson({ number, private: disclosures.map(({ field, label, value }) => ({ field, label, value })) });
    return;
  }
  if (!options.quiet) {
    const key = disclosures.length > 0 ? 'disclose.fields' : 'disclose.noFields';
    process.stdout.write(`${say(language, key, { number })}\n`);
  }
  const longest = (texts: readonly string[]) => Math.max(0, ...texts.map(({ length }) => length));
  const names = longest(disclosures.map(({ field }) => field));
  const labels = longest(disclosures.map(({ label }) => label));
  for (const { field, label, value } of disclosures)
    process.stdout.write(
      `  ${field.padEnd(names)}  ${label.padEnd(labels)}  ${value.replaceAll('\n', ', ')}\n`,
    );
}

function report(
  { number, disclosures }: HeldDocument,
  fields: ReadonlySet<string>,
  text: string,
  { out, qr, ...options }: DiscloseOptions,
): void {
  const shown = disclosures.filter(({ field }) => fields.has(field));
  const withheld = disclosures.length - shown.length;
  if (options.json) {
    const told = shown.map(({ field, label, value }) => ({ field, label, value }));
    printJson({ number, text, shown: told, withheld, ...(out ? { out } : {}), ...(qr ? { qr } : {}) });
    return;
  }
  // The text itself where nobody named a file, so that it can be piped on.
  if (out === undefined && qr === undefined) process.stdout.write(`${text}\n`);
  else if (!options.quiet) {
    const labels = shown.map(({ label }) => label).join(', ');
    const line = say(messageLanguage(options), 'disclose.done', { number, labels, withheld });
    process.stdout.write(`${[line, ...[out, qr].filter((name) => name !== undefined)].join('\n  ')}\n`);
  }
}

/** Lower case without accents: what a person types. */
const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim();

/**
 * The private field that a person means by its name or label, or by a part of them that no other has.
 * @throws ConsulError USAGE
 */
function fieldNamed(name: string, disclosures: readonly RecordDisclosure[]): RecordDisclosure {
  const wanted = plain(name);
  const namesOf = ({ field, label }: RecordDisclosure): readonly string[] => [plain(field), plain(label)];
  const exact = disclosures.filter((one) => namesOf(one).includes(wanted));
  const alike = disclosures.filter(
    (one) => wanted !== '' && namesOf(one).some((text) => text.includes(wanted)),
  );
  const [found, ...others] = exact.length > 0 ? exact : alike;
  if (found && others.length === 0) return found;
  const known = (found ? [found, ...others] : disclosures).map(({ field }) => field).join(', ');
  const fault = found
    ? 'may be any of'
    : known === ''
      ? 'is not there: the document has none'
      : 'is not among';
  throw new ConsulError('USAGE', `the private field ${JSON.stringify(name)} ${fault} ${known}`.trimEnd());
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = withCommonOptions(
    newCommand('consul disclose', 'Shows chosen private fields of a document of yours, and proves them'),
  )
    .argument('<file>', 'the document (PDF); - for standard input')
    .option(
      '--show <fields>',
      'the fields to show, by name or label, with commas; without it they are listed',
    )
    .option('--out <file>', 'where to write the text of the presentation (else standard output)')
    .option('--qr <file>', 'where to draw it as a QR code, .png or .svg')
    .action(disclose);
  await run(command, argv);
}
