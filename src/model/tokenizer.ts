/** The model's own tokenizer (`tokenizer.json`, `tokenizer_config.json`) through Hugging Face's library. */
import { Tokenizer } from '@huggingface/tokenizers'
import { InvalidInputError } from '../errors.js'
import type { ModelFiles } from '../hub/index.js'

/** What a decoder makes of bytes that do not end a character yet. */
const INCOMPLETE = '\uFFFD'

export class TextTokenizer {
  private readonly tokenizer: Tokenizer

  /** @throws InvalidInputError for a tokenizer that the library does not know */
  constructor({ tokenizer, tokenizerConfig, path }: Pick<ModelFiles, 'tokenizer' | 'tokenizerConfig' | 'path'>) {
    try {
      this.tokenizer = new Tokenizer(tokenizer, tokenizerConfig)
    } catch (cause) {
      throw new InvalidInputError(`tokenizer.json of ${path} cannot be used: ${(cause as Error).message}`, { cause })
    }
  }

  /** With the special tokens that the tokenizer puts around a text, unless told otherwise. */
  encode(text: string, options: { specialTokens?: boolean | undefined } = {}): number[] {
    return this.tokenizer.encode(text, { add_special_tokens: options.specialTokens ?? true }).ids
  }

  /** Without special tokens, blanks as they are. */
  decode(tokens: readonly number[]): string {
    if (tokens.length === 0) return ''
    return this.tokenizer.decode([...tokens], { skip_special_tokens: true, clean_up_tokenization_spaces: false })
  }
}

/**
 * Text of tokens as they come: a character whose bytes lie in several tokens appears with the last of them. (Decoding a token by
 * itself would also lose blanks that depend on the token before it; so each is decoded behind its predecessors.)
 */
export class TextStream {
  private readonly tokens: number[] = []
  /** Tokens from here on are decoded with each new one; those up to `shown` are there as context. */
  private context = 0
  private shown = 0

  constructor(private readonly tokenizer: Pick<TextTokenizer, 'decode'>) {}

  /** @returns what the token adds to the text; empty while a character is incomplete */
  push(token: number): string {
    this.tokens.push(token)
    return this.take(text => !text.endsWith(INCOMPLETE))
  }

  /** The rest, with a replacement character for bytes that were not completed. */
  flush(): string {
    return this.take(() => true)
  }

  private take(complete: (text: string) => boolean): string {
    const before = this.tokenizer.decode(this.tokens.slice(this.context, this.shown))
    const after = this.tokenizer.decode(this.tokens.slice(this.context))
    if (after.length <= before.length || !complete(after)) return ''
    this.context = this.shown
    this.shown = this.tokens.length
    return after.slice(before.length)
  }
}
