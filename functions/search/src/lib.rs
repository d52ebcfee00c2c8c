//! Searches the live web through Tavily
