/** Evidence in words. */
import type { EvidenceInfo } from '../../roles/types.js'
import { bytes, safe, short, type Style } from './style.js'

export function renderEvidence({ id, key, owners, adapter, reason, bytes: size, kept, added }: EvidenceInfo, style: Style): string[] {
  return [
    `${style.bad('evidence')} ${short(id)} against contributor key ${short(key)}`,
    `  ${safe(reason)}`,
    ...owners.map(owner => `  it acted for the owner ${short(owner)}, who is convicted as well`),
    `  adapter ${short(adapter)}, ${bytes(size)}, ${kept ? 'kept since' : 'its bytes went for want of room; verified here on'} ${new Date(added).toISOString()}`
  ]
}
