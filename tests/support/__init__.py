"""What tests share: in-memory streams, a home with the offline model, a server to talk to, a scripted engine."""
