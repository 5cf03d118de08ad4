package tokenizer

// EncodePrompt returns the tokens of a prompt as a model wants to read it: Encode's, after BOS where
// the file asks for that and the text does not bring it itself.
func (t *Tokenizer) EncodePrompt(text string, special bool) []int32 {
	ids := make([]int32, 0, len(text)/3+2)
	if t.addBOS && t.bos >= 0 {
		ids = append(ids, t.bos)
	}
	ids = t.Encode(ids, text, special)
	if t.addBOS && len(ids) > 1 && ids[1] == t.bos {
		return ids[1:]
	}
	return ids
}
