"""The published arithmetic of AbdomenAtlas-8K, and its folder tree."""
