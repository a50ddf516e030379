"""The published arithmetic of AbdomenAtlas-8K: pure and exact."""
