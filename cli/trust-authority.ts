import { ConsulError } from '../core/errors.ts';
import { addForeignAuthority, retireForeignAuthority } from '../core/issuance/foreign-authority.ts';
import { parseCertificate } from '../core/pki/certificate.ts';
import { pemBlocks } from '../core/pki/key-file.ts';
import { shownName } from '../core/verify/trust.ts';
import { readInput } from './input-file.ts';
import { messageLanguage, printJson } from './outcome.ts';
import { withPki, withRoot } from './pki-root.ts';
import type { RootOptions } from './root-options.ts';
import { say } from './words.ts';

const maxFile = 256 * 1024;

/** DER, or PEM with the certificate of the authority first. */
async function certificatesIn(file: string): Promise<readonly [Uint8Array, ...Uint8Array[]]> {
  const bytes = await readInput(file, maxFile);
  if (bytes[0] === 0x30) return [bytes];
  const [first, ...others] = pemBlocks('CERTIFICATE', Buffer.from(bytes).toString('latin1'));
  if (!first) throw new ConsulError('CERTIFICATE_INVALID', `${file} holds no certificate`);
  return [first, ...others];
}

/** `consul trust add-authority` and `consul trust retire-authority`. */
export async function changeAuthority(
  change: 'added' | 'retired',
  file: string,
  options: RootOptions,
): Promise<void> {
  const certificates = await certificatesIn(file);
  const name = shownName(parseCertificate(certificates[0]));
  await withPki(options, async (context) => {
    const { result: bundle, recorded } = await withRoot(context, options, (root) =>
      change === 'added'
        ? addForeignAuthority(context, root, certificates)
        : retireForeignAuthority(context, root, certificates[0]),
    );
    const { sequence } = bundle;
    const trust = context.post.paths.trust;
    if (options.json) printJson({ authority: name, [change]: true, trust, sequence, record: recorded?.file });
    else if (!options.quiet) {
      const language = messageLanguage(options);
      process.stdout.write(`${say(language, `trust.authority.${change}`, { name })}\n`);
      process.stdout.write(`${say(language, 'pki.distribute', { sequence, file: trust })}\n`);
    }
  });
}
