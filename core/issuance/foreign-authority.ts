import { equalBytes } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { certificateAct } from '../pki/ceremony-record.ts';
import { parseCertificate } from '../pki/certificate.ts';
import type { TrustBundle } from '../pki/trust-bundle.ts';
import { including, retireKey } from '../pki/trust-renewal.ts';
import { tsaUsageFault } from '../time/tsa-certificate.ts';
import { type PkiContext, type RootSession, readTrust, renewTrust } from './certificates.ts';

/** How the record of the ceremony names a certificate of this kind. */
const profile = 'foreign-tsa';

/**
 * Has the trust bundle stand behind a time-stamp authority of another house: for its very certificate, and for no other
 * of the same CA. The certificates that its tokens carry beside it are known then too, and trusted for nothing.
 * @param certificates DER, that of the authority first
 * @throws ConsulError CERTIFICATE_INVALID unless it is one for time-stamps (RFC 3161 §2.3) in force;
 *   CERTIFICATE_IN_USE where the bundle has it already
 */
export async function addForeignAuthority(
  context: PkiContext,
  root: RootSession,
  certificates: readonly Uint8Array[],
): Promise<TrustBundle> {
  const [certificate, ...chain] = certificates;
  if (!certificate) throw new ConsulError('CERTIFICATE_INVALID', 'the file holds no certificate');
  const authority = parseCertificate(certificate);
  const fault = tsaUsageFault(authority);
  if (fault !== undefined) throw new ConsulError('CERTIFICATE_INVALID', fault);
  const now = context.clock();
  if (now < authority.notBefore || now > authority.notAfter)
    throw new ConsulError('CERTIFICATE_INVALID', 'the certificate of the authority is not in force');
  for (const other of chain) parseCertificate(other);

  const { keys, authorities } = await readTrust(context);
  if (keys.some((key) => equalBytes(key.certificate, certificate)))
    throw new ConsulError('CERTIFICATE_IN_USE', 'the trust bundle has this authority already');
  root.acts.push(await certificateAct(profile, certificate, nodeBackend.digest));
  return renewTrust(context, root, {
    keys: [
      ...keys,
      {
        certificate,
        use: 'timestamp',
        post: context.post.settings.post.code,
        state: 'active',
        anchor: 'itself',
      },
    ],
    authorities: chain.reduce<readonly Uint8Array[]>(including, authorities),
  });
}

/**
 * Ends the trust in an authority: what it stamped until now stays good.
 * @throws ConsulError CERTIFICATE_UNKNOWN unless the bundle has it as one of another house
 */
export async function retireForeignAuthority(
  context: PkiContext,
  root: RootSession,
  certificate: Uint8Array,
): Promise<TrustBundle> {
  const { keys } = await readTrust(context);
  if (!keys.some((key) => key.anchor === 'itself' && equalBytes(key.certificate, certificate)))
    throw new ConsulError('CERTIFICATE_UNKNOWN', 'the trust bundle has no such authority of another house');
  root.acts.push(await certificateAct(profile, certificate, nodeBackend.digest));
  return renewTrust(context, root, { keys: retireKey(keys, certificate, context.clock()) });
}
