package run

// Monitor implements [checks.World]. No monitor has been sampled.
func (w World) Monitor(_, _ string) (map[string]any, bool) { return nil, false }
