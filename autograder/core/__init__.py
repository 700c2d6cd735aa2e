"""Words that every room shares: records, errors, events, text, the policy. No torch, and no file but the policy."""
